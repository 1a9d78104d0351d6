import type { Taken } from '../domain/allocation.ts';
import type { Uuid } from '../domain/identity.ts';
import { takenBy } from '../domain/taken.ts';
import type { Deps } from './deps.ts';

/** How long whoever chooses addresses waits for another who does. */
export const ALLOCATION_WAIT_MS = 60_000;

/**
 * What is somebody's already, from everything that knows of addresses; what the machines in `without` have does not count.
 * Right only under the lock of the allocation, with the journal read anew.
 */
export const takenNow = async (deps: Deps, without: ReadonlySet<Uuid>): Promise<Taken> => {
  const { hypervisor, records, pools } = deps;
  const [found, allocated, reservations, domains] = await Promise.all([
    records.list(),
    records.allocated(),
    records.reservations(),
    hypervisor.list(),
  ]);
  const machines = Object.values(deps.journal.state().machines).filter(({ uuid }) => !without.has(uuid));
  const hostAddresses = deps.hostAddresses();
  return takenBy({ records: found, allocated, reservations, machines, domains, hostAddresses, pools });
};
