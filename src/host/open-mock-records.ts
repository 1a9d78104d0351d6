import { withFlock } from '../drivers/lock/flock.ts';
import { createRecords } from '../drivers/records/records.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Records } from '../ports/records.ts';

const PATH = './mock-db.json';

/** As long as a create on the host waits for its turn. */
const LOCK_WAIT_MS = 60_000;

/** The database that stands in for the host's under `--mock`: a file in the working directory (interop §3). */
export const openMockRecords = (deps: { readonly clock: Clock; readonly log: Log }): Records =>
  createRecords({ ...deps, path: PATH });

/** Its lock for choosing and entering; another one than the records', which each read and write takes by itself. */
export const withMockAllocation = <T>(body: () => Promise<T>): Promise<T> =>
  withFlock(`${PATH}.allocation.lock`, { waitMs: LOCK_WAIT_MS }, body);
