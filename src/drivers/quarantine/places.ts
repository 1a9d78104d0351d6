import { lstat, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Names may have so many bytes on the file systems that hold disks. */
const LONGEST_NAME_BYTES = 255;

/** Is there anything of this name? A symlink counts, also one that leads nowhere. */
export const exists = async (path: string): Promise<boolean> => {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
};

const nameFor = (index: number, file: string): string => {
  const name = `${index}-${basename(file)}`;
  return Buffer.byteLength(name) > LONGEST_NAME_BYTES ? `${index}` : name;
};

/**
 * Where files are kept: in our own directory where that is on the same file system, else in a hidden directory beside
 * them, because a move must never become a copy. File systems come and go: what is kept is looked for in both places.
 */
export const createPlaces = (directory: string) => {
  const own = (uuid: string): string => join(directory, uuid);
  const beside = (uuid: string, file: string): string => join(dirname(file), '.blockhost-quarantine', uuid);
  return {
    own,
    beside,
    /** Where a file that is in its place now is to be kept. */
    forFile: async (uuid: string, index: number, file: string): Promise<string> => {
      // What a symlinked directory leads to counts, not the link.
      const [there, here] = await Promise.all([stat(dirname(file)), stat(directory)]);
      return join(there.dev === here.dev ? own(uuid) : beside(uuid, file), nameFor(index, file));
    },
    /** Where a file is kept now, if it is. */
    kept: async (uuid: string, index: number, file: string): Promise<string | undefined> => {
      for (const place of [own(uuid), beside(uuid, file)]) {
        const path = join(place, nameFor(index, file));
        if (await exists(path)) return path;
      }
      return undefined;
    },
  };
};
