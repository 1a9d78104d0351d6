import type { HypervisorEvent } from '../src/ports/event-source.ts';

export type DomainEvent = Extract<HypervisorEvent, { kind: 'event' }>;

/** What an event bodes for a pending stop: it is one, it takes one back, or it has nothing to say about it. */
export type Omen = 'stopped' | 'on' | 'other';

export const omenOf = ({ event, detail }: DomainEvent): Omen => {
  if (event !== 'lifecycle') return 'other';
  const [what] = detail.split(' ');
  if (what === 'Stopped') return 'stopped';
  return what === 'Started' || what === 'Resumed' || what === 'Suspended' ? 'on' : 'other';
};

/**
 * Kinds that a guest or a viewer can cause at will and that change nothing anybody decides on: signs of life, but
 * no reason to look. All other kinds, also those that libvirt has yet to invent, are.
 */
const idle = new Set(['rtc-change', 'balloon-change', 'graphics', 'migration-iteration', 'memory-device-size-change']);

/** `echoUri`: the metadata namespace that heartbeats are written to. */
export const canWake = (event: DomainEvent, echoUri: string | undefined): boolean =>
  !idle.has(event.event) && !(echoUri !== undefined && isEcho(event, echoUri));

const isEcho = ({ event, detail }: DomainEvent, uri: string): boolean =>
  event === 'metadata-change' && detail.endsWith(`uri ${uri}`);

/** `libvirt said: 'x' Stopped Failed`, for the log and for people. */
export const describeEvent = ({ event, domain, detail }: DomainEvent): string =>
  `libvirt said: '${domain}' ${event === 'lifecycle' ? detail : [event, detail].filter(Boolean).join(' ')}`;
