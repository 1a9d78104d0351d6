import type { AddressPools } from '../domain/allocation.ts';
import type { Policy } from '../domain/policy.ts';
import type { Chain } from '../ports/chain.ts';
import type { Clock } from '../ports/clock.ts';
import type { HostRoutes } from '../ports/host-routes.ts';
import type { GuestAgent, Hypervisor } from '../ports/hypervisor.ts';
import type { Journal } from '../ports/journal.ts';
import type { Locks } from '../ports/lock.ts';
import type { Log } from '../ports/log.ts';
import type { MachineBuilder } from '../ports/machine-builder.ts';
import type { Quarantine } from '../ports/quarantine.ts';
import type { Records } from '../ports/records.ts';
import type { Seeds } from '../ports/seeds.ts';

/** Everything that an operation may use; commands and daemon hand in the same things. */
export interface Deps {
  readonly hypervisor: Hypervisor;
  readonly agent: GuestAgent;
  readonly chain: Chain;
  readonly records: Records;
  readonly journal: Journal;
  readonly quarantine: Quarantine;
  readonly locks: Locks;
  readonly hostRoutes: HostRoutes;
  readonly builder: MachineBuilder;
  readonly seeds: Seeds;
  /** What machines get their addresses from. */
  readonly pools: AddressPools;
  /** The host's own addresses now. */
  readonly hostAddresses: () => readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  readonly policy: Policy;
  /** Version of the program, for the warrants that it draws. */
  readonly code: string;
  /** Changes with every boot of the host (L6). */
  readonly bootId: string;
  /** Directories whose files may be taken into quarantine: disks and cloud-init of ours. */
  readonly ownDirectories: readonly string[];
  /** The directory of a machine's cloud-init files. */
  readonly cloudInitDirectory: (name: string) => string;
  /** What the boot gate still waits for (L6). */
  readonly gateWaitsFor: () => readonly string[];
}
