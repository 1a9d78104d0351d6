import { constants, watch } from 'node:fs';
import { link, lstat, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { syncDirectory, writeFileAtomic } from '../files/atomic-write.ts';
import { ensureSharedDirectory, sharedFileMode, shareFile } from '../files/shared-ownership.ts';
import { withFlock } from '../lock/flock.ts';

/** What a path leads to now. */
export interface Found {
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
}

/** An open journal, as far as it is used: reads anywhere, writes at its end. */
export interface JournalHandle {
  stat(): Promise<Found>;
  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  write(bytes: Buffer, offset: number, length: number, position: null): Promise<{ readonly bytesWritten: number }>;
  truncate(length: number): Promise<void>;
  datasync(): Promise<void>;
  close(): Promise<void>;
}

/** What the journal asks of files and locks; rejects with the system's errors. The simulator has a disk of its own. */
export interface JournalDisk {
  look(path: string): Promise<Found>;
  open(path: string, to: 'append' | 'read'): Promise<JournalHandle>;
  /** An empty file (0660, D26) whose name survives a power cut. */
  create(path: string): Promise<JournalHandle>;
  /** Puts a whole new file in its place, and keeps the one before as `.1`; a whole one is there at every moment. */
  replace(path: string, bytes: Buffer): Promise<void>;
  /** Makes the directory of a file, where it is missing. */
  prepare(path: string): Promise<void>;
  /** Throws `LockBusyError` when others held the lock for the whole wait. */
  exclusively<T>(lockPath: string, waitMs: number, body: () => Promise<T>): Promise<T>;
  /** A hint that the file may have changed; returns how to stop. Throws where it cannot be watched. */
  watch(path: string, onChange: () => void, onTrouble: (error: unknown) => void): () => void;
}

const APPEND = constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW;

/** The name `.1` is given before, and is only a second name of the old file until the new one is in its place. */
const keepGeneration = async (path: string): Promise<void> => {
  const passing = `${path}.1.new`;
  await unlink(passing).catch(() => undefined);
  await link(path, passing);
  await rename(passing, `${path}.1`);
  // rename(2) does nothing where both names are one file already, which an interrupted compaction leaves.
  await unlink(passing).catch(() => undefined);
};

/** The host's own files and locks. */
export const systemDisk: JournalDisk = {
  look: (path) => lstat(path),
  open: (path, to) => open(path, to === 'append' ? APPEND : constants.O_RDONLY | constants.O_NOFOLLOW),
  create: async (path) => {
    const handle = await open(path, APPEND | constants.O_CREAT, sharedFileMode);
    await shareFile(handle, dirname(path));
    await syncDirectory(dirname(path));
    return handle;
  },
  replace: async (path, bytes) => {
    await keepGeneration(path);
    await writeFileAtomic(path, bytes, { shared: true });
  },
  prepare: (path) => ensureSharedDirectory(dirname(path)),
  exclusively: (lockPath, waitMs, body) => withFlock(lockPath, { waitMs }, body),
  watch: (path, onChange, onTrouble) => {
    const watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
      if (name === null || name === basename(path)) onChange();
    });
    watcher.on('error', onTrouble);
    return () => watcher.close();
  },
};
