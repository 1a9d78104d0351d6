import type { SubscriptionRef, Uuid } from './identity.ts';
import type { SeenLimits } from './limits.ts';

/** libvirt's virDomainState, in words. */
export type RunState =
  | 'running'
  | 'blocked'
  | 'paused'
  | 'shutting-down'
  | 'off'
  | 'crashed'
  | 'pmsuspended'
  | 'no-state';

/**
 * libvirt's reason for being off or paused, in words (virDomainShutoffReason, virDomainPausedReason);
 * `other` for reasons that no rule asks about.
 */
export type RunReason =
  | 'unknown'
  | 'shutdown'
  | 'destroyed'
  | 'crashed'
  | 'saved'
  | 'failed'
  | 'daemon'
  | 'snapshot'
  | 'io-error'
  | 'user'
  | 'booted'
  /** Paused by libvirt, which is writing its memory to disk now. */
  | 'saving'
  /** Paused by libvirt for a save that is over and did not succeed. */
  | 'save-ended'
  | 'other';

/** Our element in the domain's `<metadata>`: the host alone can rebuild the records from it. */
export interface MachineMetadata {
  readonly schema: 1;
  readonly uuid: Uuid;
  readonly subscription?: SubscriptionRef;
  /** It is off because its time was over, and a payment starts it again (C11). */
  readonly suspended?: true;
  /** Until when an operator granted it days, in unix seconds (D15). */
  readonly grantUntilUnix?: bigint;
  /** What a machine of ours is made with now; absent in domains that were adopted. */
  readonly made?: {
    readonly ipv4: string;
    readonly ipv6: string;
    readonly owner: string;
    readonly username: string;
    readonly nftTokenId?: bigint;
    /** The token was minted for it: nobody else's is called so (D25). */
    readonly nftMinted?: true;
    /** Unix seconds. */
    readonly createdAtUnix: bigint;
    /** Digest of its disk's base image. */
    readonly base: string;
  };
}

export interface NetworkInterface {
  readonly mac: string;
  readonly linkUp: boolean;
}

/** One libvirt domain as it was just observed. Paths are absolute. */
export interface DomainState {
  readonly uuid: Uuid;
  readonly name: string;
  readonly run: RunState;
  readonly reason: RunReason;
  readonly persistent: boolean;
  readonly hasSavedImage: boolean;
  readonly agentConnected: boolean;
  /** Since when this very state has been seen without interruption, on our wall clock (L7). */
  readonly sinceUnixMs: number;
  readonly metadata?: MachineMetadata;
  /** Writable disks first to last; the cloud-init ISO is under `seeds`. */
  readonly disks: readonly string[];
  readonly seeds: readonly string[];
  /** Where its firmware keeps what it remembers; a file of the machine's own. */
  readonly nvram?: string;
  readonly interfaces: readonly NetworkInterface[];
  /** What is in force while it runs; absent where that was not read. */
  readonly limits?: SeenLimits;
}

/** Is the guest's machine powered, in whatever state? */
export const isOn = (domain: DomainState): boolean => domain.run !== 'off' && domain.run !== 'crashed';
