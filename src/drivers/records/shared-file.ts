import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BlockhostError, LockBusyError, RecordsError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { writeFileAtomic } from '../files/atomic-write.ts';
import { isErrno } from '../files/shared-ownership.ts';
import { acquireExistingFile, acquireLockFile, type HeldLock } from '../lock/flock.ts';
import { tornCode } from './records-document.ts';

/** A file that programs of both generations read and write; undefined stands for one that is not there. */
export interface SharedFile {
  read<T>(look: (text: string | undefined) => T): Promise<T>;
  /** Replaces the text by what `change` returns; leaves the file alone where that is undefined. Tells whether it wrote. */
  update(change: (text: string | undefined) => string | undefined): Promise<boolean>;
}

const lockWaitMs = 10_000;
const tornForMs = 2_000;
const pauseMs = 20;

/** Somebody has opened the file for writing since we read it: let them finish, and look again. */
const changedMeanwhile = Symbol('changed meanwhile');

/**
 * Reads and replaces the file under both generations' locks: `<path>.lock`, which the newer programs take, and then the
 * file itself, which the older ones lock after they have truncated it. A text that `look` or `change` calls torn
 * (code `records-corrupt`) is read again for 2 s, with the locks let go so that its writer can finish.
 */
export const createSharedFile = ({ path, clock }: { readonly path: string; readonly clock: Clock }): SharedFile => {
  const attempt = async <T>(
    body: (data: HeldLock | undefined, text: string | undefined) => Promise<T>,
    mayGoOn: boolean,
  ) => {
    const lock = await (mayGoOn ? lockToRead(path) : acquireLockFile(`${path}.lock`, { waitMs: lockWaitMs }));
    try {
      const data = await acquireExistingFile(path, { waitMs: lockWaitMs });
      try {
        return await body(data, data === undefined ? undefined : await readText(path, data));
      } finally {
        await data?.release();
      }
    } finally {
      await lock?.release();
    }
  };

  const persist = async <T>(once: () => Promise<T | typeof changedMeanwhile>): Promise<T> => {
    const start = clock.monotonicMs();
    for (;;) {
      const waitedMs = clock.monotonicMs() - start;
      try {
        const result = await once();
        if (result !== changedMeanwhile) return result;
        if (waitedMs > lockWaitMs) throw busy(path);
      } catch (error) {
        const torn = error instanceof RecordsError && error.code === tornCode;
        if (!torn || waitedMs > tornForMs) throw inWords(path, error);
      }
      await clock.sleep(pauseMs);
    }
  };

  return {
    read: (look) => persist(() => attempt(async (_data, text) => look(text), true)),
    update: (change) =>
      persist(() =>
        attempt(async (data, text) => {
          const before = await data?.handle.stat({ bigint: true });
          const next = change(text);
          if (next === undefined) return false;
          // The older programs truncate without asking: to rename now would leave them writing to a file without a name.
          if (before !== undefined && !(await isUntouched(path, before))) return changedMeanwhile;
          return replace(path, next, data === undefined);
        }, false),
      ),
  };
};

const isUntouched = async (path: string, before: BigIntStats): Promise<boolean> => {
  const now = await stat(path, { bigint: true });
  return now.ino === before.ino && now.size === before.size && now.mtimeNs === before.mtimeNs;
};

const replace = async (path: string, text: string, ifAbsent: boolean): Promise<boolean | typeof changedMeanwhile> => {
  try {
    await writeFileAtomic(path, text, { shared: true, ifAbsent });
    return true;
  } catch (error) {
    if (error instanceof BlockhostError && error.code === 'exists') return changedMeanwhile;
    throw error;
  }
};

/**
 * Who may only read the records need not be able to take the writers' lock: the file's own lock keeps a write apart. Nor
 * does a look make that lock's file: where there is none, nobody holds it, and what replaces the file is a rename.
 */
const lockToRead = async (path: string): Promise<HeldLock | undefined> => {
  try {
    const lock = await acquireExistingFile(`${path}.lock`, { waitMs: lockWaitMs });
    if (lock === undefined) await stat(dirname(path)); // a directory that is away is no file that is not there
    return lock;
  } catch (error) {
    if (error instanceof BlockhostError && error.code === 'lock-denied') return undefined;
    throw error;
  }
};

const readText = async (path: string, { handle }: HeldLock): Promise<string> => {
  const bytes = await handle.readFile();
  try {
    // Anything that is no UTF-8 would come back changed from a round trip.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    const hint = 'put a good copy in its place; it was left as it is';
    throw new RecordsError(`${path} is not UTF-8 text`, { code: tornCode, retryable: true, hint, cause });
  }
};

const busy = (path: string): RecordsError =>
  new RecordsError(`${path} is being written all the time`, {
    code: 'records-busy',
    retryable: true,
    hint: `\`lslocks\` shows who holds ${path} and ${path}.lock`,
  });

const inWords = (path: string, error: unknown): RecordsError => {
  if (error instanceof RecordsError) return error;
  if (error instanceof LockBusyError) return busy(path);
  if (error instanceof BlockhostError) {
    const { code, retryable, hint } = error;
    return new RecordsError(error.message, { code, retryable, cause: error, ...(hint === undefined ? {} : { hint }) });
  }
  const denied = isErrno(error, 'EACCES', 'EPERM');
  return new RecordsError(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`, {
    code: 'records-unreadable',
    retryable: true,
    hint: denied ? `chown blockhost:blockhost ${path} && chmod 660 ${path}` : 'look at the disk and at dmesg',
    cause: error,
  });
};
