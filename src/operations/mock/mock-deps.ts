import type { VmRecord } from '../../domain/record.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Records } from '../../ports/records.ts';

/** What a command works with on the mock database (D18): the same records in another file, and nothing else. */
export interface MockDeps {
  readonly records: Records;
  readonly clock: Clock;
  readonly graceMs: number;
  readonly say: (line: string) => void;
}

/** Has this much passed since its expiry, or since its suspension where that was later? Without an expiry it never has. */
export const isOverFor = (
  { clock }: MockDeps,
  { expiresAtUnix, suspendedAtUnix = 0n }: VmRecord,
  ms: number,
): boolean => {
  if (expiresAtUnix === undefined) return false;
  const from = expiresAtUnix > suspendedAtUnix ? expiresAtUnix : suspendedAtUnix;
  return clock.nowUnixMs() > Number(from) * 1000 + ms;
};
