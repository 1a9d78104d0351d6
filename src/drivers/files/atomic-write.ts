import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, link, lstat, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BlockhostError } from '../../domain/errors.ts';
import { isErrno, shareFile } from './shared-ownership.ts';
import { explainWriteFailure } from './write-failure.ts';

export interface AtomicWriteOptions {
  /** Mode of a file that was not there before; 0660 unless told. */
  readonly mode?: number;
  /** Also repair owner and mode so that nobody who shares the file is locked out (D26). */
  readonly shared?: boolean;
  /** Refuse, with code `exists`, to replace a file that is there. */
  readonly ifAbsent?: boolean;
}

/**
 * Replaces a file so that everybody sees the old content or the new one, also after a power cut; keeps owner and mode of
 * the old file, and leaves no temporary file behind. Throws `BlockhostError` that says why and what to do; the old
 * file is whole then.
 */
export const writeFileAtomic = async (
  path: string,
  data: string | Uint8Array,
  options: AtomicWriteOptions = {},
): Promise<void> => {
  const directory = dirname(path);
  const temporary = join(directory, `${temporaryPrefix(path)}${process.pid}.${randomBytes(6).toString('hex')}`);
  try {
    const old = await statOrdinary(path);
    await removeAbandoned(path);
    await writeNew(temporary, data, old, options);
    if (options.ifAbsent === true) await link(temporary, path);
    else await rename(temporary, path);
    await syncDirectory(directory);
  } catch (error) {
    throw inWords(path, error);
  } finally {
    await unlink(temporary).catch(ignoreMissing);
  }
};

/** Makes renames and new names in a directory survive a power cut. */
export const syncDirectory = async (directory: string): Promise<void> => {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const writeNew = async (
  temporary: string,
  data: string | Uint8Array,
  old: Stats | undefined,
  options: AtomicWriteOptions,
): Promise<void> => {
  // Nobody else may read it before it has its final owner.
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const handle = await open(temporary, flags, 0o600);
  try {
    await handle.writeFile(data);
    if (old !== undefined) await keepOwner(handle, old);
    await handle.chmod(old === undefined ? (options.mode ?? 0o660) : old.mode & 0o777);
    if (options.shared === true) await shareFile(handle, dirname(temporary));
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Only root can give a file away; anybody else keeps at least the group where that is allowed. */
const keepOwner = async (handle: FileHandle, old: Stats): Promise<void> => {
  const now = await handle.stat();
  if (now.uid === old.uid && now.gid === old.gid) return;
  try {
    await handle.chown(old.uid, old.gid);
  } catch (error) {
    if (!isErrno(error, 'EPERM')) throw error;
    if (now.gid !== old.gid) await handle.chown(now.uid, old.gid).catch(() => undefined);
  }
};

const statOrdinary = async (path: string): Promise<Stats | undefined> => {
  try {
    const found = await lstat(path);
    if (found.isFile()) return found;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
  throw new BlockhostError(`${path} is not an ordinary file`, {
    code: 'not-a-file',
    retryable: false,
    hint: 'put the file itself there; links are not followed',
  });
};

const temporaryPrefix = (path: string): string => `.${basename(path)}.tmp.`;
const abandonedAfterMs = 3_600_000;

/** A writer that was killed leaves its temporary file; after an hour nobody can be busy with it any more. */
const removeAbandoned = async (path: string): Promise<void> => {
  const directory = dirname(path);
  const names = await readdir(directory);
  for (const name of names.filter((found) => found.startsWith(temporaryPrefix(path)))) {
    const file = join(directory, name);
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (Date.now() - mtimeMs > abandonedAfterMs) await unlink(file).catch(ignoreMissing);
  }
};

const ignoreMissing = (): void => undefined;

const inWords = (path: string, error: unknown): BlockhostError => {
  if (error instanceof BlockhostError) return error;
  if (isErrno(error, 'EEXIST')) {
    return new BlockhostError(`${path} is there already`, { code: 'exists', retryable: true, cause: error });
  }
  const { why, facts } = explainWriteFailure(error);
  return new BlockhostError(`cannot write ${path}: ${why}`, facts);
};
