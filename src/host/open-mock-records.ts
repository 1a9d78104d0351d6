import { createRecords } from '../drivers/records/records.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Records } from '../ports/records.ts';

/** The database that stands in for the host's under `--mock`: a file in the working directory (interop §3). */
export const openMockRecords = (deps: { readonly clock: Clock; readonly log: Log }): Records =>
  createRecords({ ...deps, path: './mock-db.json' });
