import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { VmRecord } from '../../domain/record.ts';
import type { Clock } from '../../ports/clock.ts';

/** Everything that is read of the file, worked out once for each of its versions. */
export interface Snapshot {
  readonly records: ReadonlyMap<string, VmRecord>;
  /** Names whose record makes no sense. */
  readonly senseless: ReadonlySet<string>;
  readonly allocated: { readonly ipv4: readonly string[]; readonly ipv6: readonly string[] };
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
 * `take` reads and parses the whole file.
 */
export const createSnapshots = (path: string, clock: Pick<Clock, 'nowUnixMs'>, take: () => Promise<Snapshot>) => {
  let kept: { readonly version: BigIntStats; readonly snapshot: Snapshot } | undefined;

  return async (): Promise<Snapshot> => {
    const before = await versionOf(path);
    if (before && kept && isSame(before, kept.version)) return kept.snapshot;
    const snapshot = await take();
    const after = await versionOf(path);
    const settled = after && clock.nowUnixMs() - Number(after.mtimeNs / 1_000_000n) > SETTLED_AFTER_MS;
    kept = before && after && settled && isSame(before, after) ? { version: after, snapshot } : undefined;
    return snapshot;
  };
};
