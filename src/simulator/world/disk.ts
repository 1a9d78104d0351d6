import type { JournalDisk, JournalHandle } from '../../drivers/journal/journal-disk.ts';
import type { Random } from '../random.ts';
import type { HostLocks } from './locks.ts';
import type { Process } from './process.ts';

/** The part of a disk that the journal lies on: what was written is lost by a power cut unless it was synced. */
export interface ModelDisk {
  of(process: Process): JournalDisk;
  /** No room any more, or room again. */
  full(on: boolean): void;
  /** What was synced stays; of the rest a part may have got there, the last page of it as NULs. */
  powerCut(random: Random): void;
  /** Bytes that a power cut would take away now. */
  unsynced(path: string): number;
}

interface File {
  readonly ino: number;
  data: Buffer;
  length: number;
  /** So much of it survives a power cut. */
  durable: number;
}

const errno = (code: string, what: string): Error => Object.assign(new Error(`${code}: ${what}`), { code });

/** How much fits on a disk that is full: a part of a line. */
const CRUMB_BYTES = 20;

const append = (file: File, bytes: Buffer): void => {
  const wanted = file.length + bytes.length;
  if (wanted > file.data.length) {
    const grown = Buffer.alloc(Math.max(4096, 2 * wanted));
    file.data.copy(grown, 0, 0, file.length);
    file.data = grown;
  }
  bytes.copy(file.data, file.length);
  file.length = wanted;
};

export const createModelDisk = (locks: HostLocks): ModelDisk => {
  const files = new Map<string, File>();
  const watchers = new Map<string, Set<() => void>>();
  let inodes = 0;
  let isFull = false;

  const newFile = (bytes: Buffer): File => {
    inodes += 1;
    return { ino: inodes, data: Buffer.from(bytes), length: bytes.length, durable: bytes.length };
  };
  const need = (path: string): File => {
    const file = files.get(path);
    if (!file) throw errno('ENOENT', `no such file, ${path}`);
    return file;
  };
  const found = ({ ino, length }: File) => ({ dev: 1, ino, size: length });
  const changed = (path: string): void => {
    for (const listener of [...(watchers.get(path) ?? [])]) listener();
  };

  const handleOf = (process: Process, path: string, file: File): JournalHandle => ({
    stat: async () => found(file),
    read: async (buffer, offset, length, position) => ({
      bytesRead: file.data.copy(buffer, offset, position, Math.min(file.length, position + length)),
    }),
    write: (bytes, offset, length) =>
      process.perform('disk.write', [path], async () => {
        const part = bytes.subarray(offset, offset + length);
        if (!isFull) {
          append(file, part);
          changed(path);
          return { bytesWritten: length };
        }
        if (length <= CRUMB_BYTES) throw errno('ENOSPC', 'no space left on device');
        append(file, part.subarray(0, CRUMB_BYTES));
        return { bytesWritten: CRUMB_BYTES };
      }),
    truncate: (length) =>
      process.perform('disk.truncate', [path], async () => {
        file.length = Math.min(file.length, length);
        file.durable = Math.min(file.durable, length);
      }),
    datasync: () =>
      process.perform('disk.sync', [path], async () => {
        file.durable = file.length;
      }),
    close: async () => undefined,
  });

  return {
    of: (process) => ({
      look: async (path) => found(need(path)),
      open: async (path) => handleOf(process, path, need(path)),
      create: async (path) => {
        const file = newFile(Buffer.alloc(0));
        files.set(path, file);
        return handleOf(process, path, file);
      },
      replace: (path, bytes) =>
        process.perform('disk.replace', [path], async () => {
          if (isFull) throw errno('ENOSPC', 'no space left on device');
          const before = files.get(path);
          if (before) files.set(`${path}.1`, before);
          files.set(path, newFile(bytes));
          changed(path);
        }),
      prepare: async () => undefined,
      exclusively: (lockPath, waitMs, body) => locks.hold(process, lockPath, waitMs, body),
      watch: (path, onChange) => {
        const listener = (): void => void (process.isAlive() && onChange());
        const there = watchers.get(path) ?? new Set();
        watchers.set(path, there.add(listener));
        process.onDeath(() => there.delete(listener));
        return () => there.delete(listener);
      },
    }),
    full: (on) => {
      isFull = on;
    },
    powerCut: (random) => {
      for (const file of files.values()) {
        const unsynced = file.length - file.durable;
        if (unsynced <= 0) continue;
        const kept = random.int(0, unsynced);
        file.length = file.durable + kept;
        if (kept > 0 && random.chance(0.5)) file.data.fill(0, file.durable + Math.floor(kept / 2), file.length);
        file.durable = file.length;
      }
    },
    unsynced: (path) => {
      const file = files.get(path);
      return file ? file.length - file.durable : 0;
    },
  };
};
