import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { RecordsError } from '../../domain/errors.ts';
import type { VmRecord } from '../../domain/record.ts';
import type { Clock } from '../../ports/clock.ts';
import { tornCode } from './records-document.ts';

/** Everything that is read of the file, worked out once for each of its versions. */
export interface Snapshot {
  readonly records: ReadonlyMap<string, VmRecord>;
  /** Names whose record makes no sense. */
  readonly senseless: ReadonlySet<string>;
  readonly allocated: { readonly ipv4: readonly string[]; readonly ipv6: readonly string[] };
  /** Reserved token ids with the machine that each is for; empty where the entry does not say. */
  readonly reservations: ReadonlyMap<bigint, string>;
}

/** Time stamps of files are coarse: a file that was changed this recently may change again under the same stamp. */
const SETTLED_AFTER_MS = 2000;

const versionOf = async (path: string): Promise<BigIntStats | undefined> => {
  try {
    return await stat(path, { bigint: true });
  } catch {
    return undefined;
  }
};

const isSame = (a: BigIntStats, b: BigIntStats): boolean =>
  a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;

/**
 * The file as it is now: read again whenever its inode, size or time stamps differ, or are too young to be told apart.
 * `take` reads and parses the whole file. What it found spoilt after waiting for a writer is not waited for again while
 * the file stays as it is: else every look at a machine would take seconds, those that start one that is paid for as well.
 */
export const createSnapshots = (path: string, clock: Pick<Clock, 'nowUnixMs'>, take: () => Promise<Snapshot>) => {
  let kept: { readonly version: BigIntStats; readonly snapshot: Snapshot } | undefined;
  let spoilt: { readonly version: BigIntStats; readonly error: RecordsError } | undefined;

  const isSettled = (version: BigIntStats): boolean =>
    clock.nowUnixMs() - Number(version.mtimeNs / 1_000_000n) > SETTLED_AFTER_MS;

  const takeOrRemember = async (before: BigIntStats | undefined): Promise<Snapshot> => {
    try {
      return await take();
    } catch (error) {
      const after = await versionOf(path);
      const same = before && after && isSettled(after) && isSame(before, after);
      if (same && error instanceof RecordsError && error.code === tornCode) spoilt = { version: after, error };
      throw error;
    }
  };

  return async (): Promise<Snapshot> => {
    const before = await versionOf(path);
    if (before && kept && isSame(before, kept.version)) return kept.snapshot;
    if (before && spoilt && isSame(before, spoilt.version)) throw spoilt.error;
    spoilt = undefined;
    const snapshot = await takeOrRemember(before);
    const after = await versionOf(path);
    kept = before && after && isSettled(after) && isSame(before, after) ? { version: after, snapshot } : undefined;
    return snapshot;
  };
};
