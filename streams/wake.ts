import type { Uuid } from '../src/domain/identity.ts';

/**
 * The only thing that crosses from the streams into the core: look at this machine, or at all of them (L1).
 * `why` is for people; nothing is ever decided from it.
 */
export interface Wake {
  readonly target: { readonly kind: 'machine'; readonly uuid: Uuid } | { readonly kind: 'all' };
  readonly why: WakeReason;
}

/** Where a wake came from, in words that end up in the log; `seenAtUnixMs` is when the cause was seen. */
export interface WakeReason {
  readonly source: 'chain' | 'libvirt' | 'clock' | 'journal' | 'operator' | 'start';
  readonly what: string;
  readonly seenAtUnixMs: number;
}
