import type { Uuid } from '../../domain/identity.ts';
import type { parseDomainXml } from '../../drivers/virsh/parse-domain-xml.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSource, HypervisorEvent } from '../../ports/event-source.ts';
import type { GuestAgent, Hypervisor } from '../../ports/hypervisor.ts';
import type { ModelDomain } from './model-domain-xml.ts';
import type { GuestBehaviour, ModelGuest } from './model-guest.ts';

export interface ModelHypervisorDeps {
  readonly clock: Clock;
  /** Decides for each event whether it gets lost on the way. */
  readonly losesEvent?: (event: HypervisorEvent) => boolean;
}

/** What a domain's definition says. */
export type DomainFacts = NonNullable<ReturnType<typeof parseDomainXml>>;

/** A host in memory: the ports that the program sees, and the handles by which a test plays guests and misfortune. */
export interface ModelHypervisor extends Hypervisor {
  readonly agent: GuestAgent;
  readonly events: EventSource;
  /** Tells every watcher something that no domain did. */
  say(event: HypervisorEvent): void;
  forget(uuid: Uuid): void;
  /** Every call of the port that was made, for tests about what was not done. */
  readonly calls: readonly { readonly what: string; readonly uuid?: Uuid; readonly atUnixMs: number }[];
  /** What a disk stands on: overlay to backing file. */
  readonly backing: Map<string, string>;
  /** Disks whose header nobody can read. */
  readonly unreadable: Set<string>;
  /** Defines a domain that is off. */
  create(domain: ModelDomain & { readonly behaviour?: Partial<GuestBehaviour> }): ModelGuest;
  guest(uuid: Uuid): ModelGuest | undefined;
  /** All domains. */
  guests(): readonly ModelGuest[];
  /** What a domain's definition says. */
  factsOf(guest: ModelGuest): DomainFacts;
  /** The host loses its power: every guest is off, and nobody is told. */
  powerCut(): void;
  /** Its qemu dies. */
  crash(uuid: Uuid): void;
  powerOffFromInside(uuid: Uuid): void;
  /** Stops and starts within `offMs`, as a reset that libvirt carries out does. */
  rebootByHost(uuid: Uuid, offMs: number): Promise<void>;
  /** The disk is full. */
  pauseOnIoError(uuid: Uuid): void;
  suspendByOperator(uuid: Uuid): void;
  /** libvirtd is gone: calls fail, watchers end. Guests go on. */
  away(): void;
  back(): void;
}
