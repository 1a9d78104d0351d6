import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from '../files/atomic-write.ts';
import { isErrno, sharedFileMode, shareFile } from '../files/shared-ownership.ts';
import { vanished, writeProblem } from './journal-problem.ts';

/** The journal's file as it is open in this process; readers follow it from one generation to the next. */
export interface OpenFile {
  readonly handle: FileHandle;
  readonly dev: number;
  readonly ino: number;
  readonly readOnly: boolean;
}

/** What a path leads to now. */
export interface Found {
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
}

/** Looks at the file without opening it; undefined where there is none. */
export const look = async (path: string): Promise<Found | undefined> => {
  try {
    return await lstat(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw writeProblem(path, 'look at', error);
  }
};

/** Opens an existing journal; one that may not be written is opened for reading, and appending fails later. */
export const openExistingFile = async (path: string): Promise<OpenFile | undefined> => {
  const readOnly = constants.O_RDONLY | constants.O_NOFOLLOW;
  try {
    return await openToAppend(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    if (!isErrno(error, 'EACCES', 'EROFS', 'EPERM')) throw writeProblem(path, 'open', error);
  }
  try {
    return await describe(await open(path, readOnly), true);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw writeProblem(path, 'open', error);
  }
};

/** Opens an existing journal for appending, or throws the system's error. */
export const openToAppend = async (path: string): Promise<OpenFile> =>
  describe(await open(path, constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW), false);

/** Makes an empty journal (0660, D26) whose name survives a power cut. */
export const createFile = async (path: string): Promise<OpenFile> => {
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
  const handle = await open(path, flags, sharedFileMode);
  await shareFile(handle, dirname(path));
  await syncDirectory(dirname(path));
  return describe(handle, false);
};

/** A missing journal whose earlier generation is still there was removed by hand: that is not the same as a new host. */
export const refuseLostJournal = async (path: string): Promise<void> => {
  if ((await look(`${path}.1`)) !== undefined) throw vanished(path);
};

/** All bytes from `start` to the end that the file has now. */
export const readFrom = async (file: OpenFile, start: number): Promise<Buffer> => {
  const { size } = await file.handle.stat();
  const bytes = Buffer.allocUnsafe(Math.max(0, size - start));
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await file.handle.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
};

/** Appends all bytes; tells how many arrived before an error. */
export const writeBytes = async (
  file: OpenFile,
  bytes: Buffer,
): Promise<{ readonly written: number; readonly error?: unknown }> => {
  let written = 0;
  try {
    while (written < bytes.length) {
      written += (await file.handle.write(bytes, written, bytes.length - written, null)).bytesWritten;
    }
    return { written };
  } catch (error) {
    return { written, error };
  }
};

const describe = async (handle: FileHandle, readOnly: boolean): Promise<OpenFile> => {
  const { dev, ino } = await handle.stat();
  return { handle, dev, ino, readOnly };
};
