import { isErrno } from '../files/shared-ownership.ts';
import type { Found, JournalDisk, JournalHandle } from './journal-disk.ts';
import { vanished, writeProblem } from './journal-problem.ts';

/** The journal's file as it is open in this process; readers follow it from one generation to the next. */
export interface OpenFile {
  readonly handle: JournalHandle;
  readonly dev: number;
  readonly ino: number;
  readonly readOnly: boolean;
}

/** Looks at the file without opening it; undefined where there is none. */
export const look = async (disk: JournalDisk, path: string): Promise<Found | undefined> => {
  try {
    return await disk.look(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw writeProblem(path, 'look at', error);
  }
};

/** Opens an existing journal; one that may not be written is opened for reading, and appending fails later. */
export const openExistingFile = async (disk: JournalDisk, path: string): Promise<OpenFile | undefined> => {
  try {
    return await openToAppend(disk, path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    if (!isErrno(error, 'EACCES', 'EROFS', 'EPERM')) throw writeProblem(path, 'open', error);
  }
  try {
    return await describe(await disk.open(path, 'read'), true);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw writeProblem(path, 'open', error);
  }
};

/** Opens an existing journal for appending, or throws the system's error. */
export const openToAppend = async (disk: JournalDisk, path: string): Promise<OpenFile> =>
  describe(await disk.open(path, 'append'), false);

/** Makes an empty journal. */
export const createFile = async (disk: JournalDisk, path: string): Promise<OpenFile> =>
  describe(await disk.create(path), false);

/** A missing journal whose earlier generation is still there was removed by hand: that is not the same as a new host. */
export const refuseLostJournal = async (disk: JournalDisk, path: string): Promise<void> => {
  if ((await look(disk, `${path}.1`)) !== undefined) throw vanished(path);
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

const describe = async (handle: JournalHandle, readOnly: boolean): Promise<OpenFile> => {
  const { dev, ino } = await handle.stat();
  return { handle, dev, ino, readOnly };
};
