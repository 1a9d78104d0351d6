import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BlockhostError, LockBusyError } from '../../domain/errors.ts';
import { isErrno, sharedFileMode, shareFile } from '../files/shared-ownership.ts';

export interface FlockOptions {
  /** How long to wait for whoever holds it; 0 means not at all. */
  readonly waitMs: number;
  /** Mode of a lock file that is made now; 0660 unless told. */
  readonly mode?: number;
}

/** A lock that is held until `release`, or until this process ends, however it ends. */
export interface HeldLock {
  readonly handle: FileHandle;
  release(): Promise<void>;
}

/** flock(1) exits with this where somebody else held the lock for the whole wait (sysexits.h: EX_TEMPFAIL). */
const busyExitCode = 75;

/**
 * Runs `body` while holding flock(2) exclusively on `path`, a lock file made where it is missing, and releases it when
 * the body settles. Excludes other processes (Python's `fcntl.flock` too) and other bodies of this process alike, because
 * every call has an open file description of its own. Throws `LockBusyError` after `waitMs`.
 */
export const withFlock = async <T>(path: string, options: FlockOptions, body: () => Promise<T>): Promise<T> => {
  const lock = await acquireLockFile(path, options);
  try {
    return await body();
  } finally {
    await lock.release();
  }
};

/** Takes the lock file at `path`, made where it is missing (0660, its directory's owner, never through a symlink; D26). */
export const acquireLockFile = async (path: string, options: FlockOptions): Promise<HeldLock> => {
  const flags = constants.O_RDONLY | constants.O_CREAT | constants.O_NOFOLLOW;
  const lock = await lockInode(path, () => openLockFile(path, flags, options.mode ?? sharedFileMode), options.waitMs);
  if (lock === undefined) throw new LockBusyError(`the lock file ${path} keeps vanishing`, busyFacts);
  return lock;
};

/** Takes an existing file itself as the lock; undefined where there is no such file. */
export const acquireExistingFile = (path: string, options: FlockOptions): Promise<HeldLock | undefined> =>
  lockInode(path, () => openExisting(path), options.waitMs);

/**
 * Opens, locks, and checks that the path still leads to the inode that was locked: a file that was renamed over or
 * removed while we waited locks nobody out any more.
 */
const lockInode = async (
  path: string,
  openFile: () => Promise<FileHandle | undefined>,
  waitMs: number,
): Promise<HeldLock | undefined> => {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const handle = await openFile();
    if (handle === undefined) return undefined;
    try {
      await lockDescriptor(handle, path, Math.max(0, deadline - performance.now()));
      if (await isStillAt(handle, path)) return { handle, release: () => handle.close() };
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
  }
};

const openLockFile = async (path: string, flags: number, mode: number): Promise<FileHandle> => {
  try {
    const handle = await open(path, flags, mode);
    await shareFile(handle, dirname(path)).catch(async (error: unknown) => {
      await handle.close();
      throw error;
    });
    return handle;
  } catch (error) {
    throw cannotLock(path, error);
  }
};

const openExisting = async (path: string): Promise<FileHandle | undefined> => {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw cannotLock(path, error);
  }
};

const isStillAt = async (handle: FileHandle, path: string): Promise<boolean> => {
  const held = await handle.stat();
  try {
    const there = await stat(path);
    return there.ino === held.ino && there.dev === held.dev;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
};

/**
 * Node has no flock(2). A lock belongs to the open file description, which a child shares with us: flock(1) takes it on
 * the inherited descriptor 3 and exits, and we keep it until our descriptor is closed.
 */
const lockDescriptor = (handle: FileHandle, path: string, waitMs: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const patience = waitMs > 0 ? ['-w', (waitMs / 1000).toFixed(3)] : ['-n'];
    const child = spawn('flock', ['-x', ...patience, '-E', String(busyExitCode), '3'], {
      stdio: ['ignore', 'ignore', 'ignore', handle.fd],
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin' },
    });
    child.once('error', (error) => reject(cannotRunFlock(error)));
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else if (code === busyExitCode) reject(new LockBusyError(`${path} is locked by another program`, busyFacts));
      else if (signal !== null) reject(new LockBusyError(`waiting for ${path} was cut short by ${signal}`, busyFacts));
      else reject(new BlockhostError(`flock failed on ${path} with exit code ${code}`, unavailableFacts));
    });
  });

const busyFacts = { code: 'lock-busy', retryable: true, hint: 'try again; `lslocks` shows who holds it' } as const;
const unavailableFacts = { code: 'lock-unavailable', retryable: true } as const;

const cannotRunFlock = (error: NodeJS.ErrnoException): BlockhostError =>
  error.code === 'ENOENT'
    ? new BlockhostError('the program flock is not there', {
        code: 'lock-unavailable',
        retryable: false,
        hint: 'install the package util-linux',
        cause: error,
      })
    : new BlockhostError(`flock cannot be started: ${error.message}`, { ...unavailableFacts, cause: error });

const cannotLock = (path: string, cause: unknown): BlockhostError => {
  if (isErrno(cause, 'ELOOP')) {
    const hint = 'remove the link; somebody may have put it there to redirect us';
    return new BlockhostError(`${path} is a symbolic link`, { code: 'lock-symlink', retryable: false, hint, cause });
  }
  const why = isErrno(cause, 'ENOENT')
    ? 'its directory is not there'
    : String(cause instanceof Error ? cause.message : cause);
  const hint = isErrno(cause, 'EACCES', 'EPERM', 'EROFS')
    ? 'run as root or blockhost, and see that the directory belongs to blockhost'
    : 'make the directory';
  return new BlockhostError(`cannot open and lock ${path}: ${why}`, {
    code: isErrno(cause, 'EACCES', 'EPERM', 'EROFS') ? 'lock-denied' : 'lock-unavailable',
    retryable: true,
    hint,
    cause,
  });
};
