import { join } from 'node:path';
import { LockBusyError } from '../../domain/errors.ts';
import { ensureSharedDirectory } from '../files/shared-ownership.ts';
import { acquireLockFile, type HeldLock } from '../lock/flock.ts';

/** A wait is cut into pieces so that it can be given up. */
const PIECE_MS = 1_000;

/** Runs `body` while no other process on this host builds a template. Rejects when stopped. */
export const withBuildLock = async <T>(
  locksDir: string,
  { onWait, signal }: { readonly onWait: () => void; readonly signal: AbortSignal },
  body: () => Promise<T>,
): Promise<T> => {
  await ensureSharedDirectory(locksDir);
  const lock = await take(join(locksDir, 'template.lock'), onWait, signal);
  try {
    return await body();
  } finally {
    await lock.release();
  }
};

const take = async (path: string, onWait: () => void, signal: AbortSignal): Promise<HeldLock> => {
  for (let waitMs = 0; ; waitMs = PIECE_MS) {
    try {
      return await acquireLockFile(path, { waitMs });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof LockBusyError)) throw error;
      if (waitMs === 0) onWait();
    }
  }
};
