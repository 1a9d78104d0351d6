import { chmod, chown, type FileHandle, lstat, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Group may write, the world sees nothing (D26). */
export const sharedFileMode = 0o660;
const sharedDirectoryMode = 0o2770;

const runsAsRoot = (): boolean => process.geteuid?.() === 0;

/**
 * Gives an open file in `directory` to everybody who shares it (D26): group read and write, and the directory's owner
 * where root would leave a file of its own. A file that another user owns stays that user's: only its owner can change
 * its mode, and it was usable before.
 */
export const shareFile = async (handle: FileHandle, directory: string): Promise<void> => {
  const file = await handle.stat();
  const mode = file.mode & 0o7777;
  if (runsAsRoot() && file.uid === 0) {
    const owner = await stat(directory);
    if (owner.uid !== file.uid || owner.gid !== file.gid) await handle.chown(owner.uid, owner.gid);
  }
  const mayChmod = runsAsRoot() || file.uid === process.geteuid?.();
  if (mayChmod && (mode & sharedFileMode) !== sharedFileMode) await handle.chmod(mode | sharedFileMode);
};

/**
 * Makes a directory, and those above it that are missing, for user and group (2770, D26). Existing directories are left
 * as they are. What root makes belongs to the owner of the directory that it was made in.
 */
export const ensureSharedDirectory = async (path: string): Promise<void> => {
  if (await exists(path)) return;
  const parent = dirname(path);
  if (parent !== path) await ensureSharedDirectory(parent);
  try {
    await mkdir(path);
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return;
    throw error;
  }
  // mkdir(2) obeys the umask and chown(2) clears the setgid bit: hence this order.
  if (runsAsRoot()) {
    const owner = await stat(parent);
    await chown(path, owner.uid, owner.gid);
  }
  await chmod(path, sharedDirectoryMode);
};

/**
 * The same for a directory on the way to files that qemu opens: its user, a stranger to the group, may go through to a
 * path that it was told, and neither list nor change what lies beside. One that somebody else owns stays as it is.
 */
export const ensureTraversableDirectory = async (path: string): Promise<void> => {
  await ensureSharedDirectory(path);
  const { mode, uid } = await stat(path);
  const mayChmod = runsAsRoot() || uid === process.geteuid?.();
  if (mayChmod && (mode & 0o001) === 0) await chmod(path, (mode & 0o7777) | 0o001);
};

/** Whether `error` is a system error with one of these codes. */
export const isErrno = (error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));

const exists = async (path: string): Promise<boolean> => {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
};
