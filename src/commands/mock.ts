import { resolve } from 'node:path';
import { createRecords } from '../drivers/records/records.ts';
import type { MockDeps } from '../operations/mock/mock-deps.ts';
import type { CommandContext } from './run-command.ts';

/** The mock database of the working directory (interop §3): nothing else is touched by a command that is told `--mock`. */
export const mockDeps = ({ clock, log, out }: CommandContext, graceMs: number): MockDeps => ({
  records: createRecords({ path: resolve('mock-db.json'), clock, log }),
  clock,
  graceMs,
  say: out,
});
