import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system that is soon full. */
export interface TinyDisk {
  readonly dir: string;
  remove(): void;
}

/** Mounts a file system of `kibibytes`; undefined where that is not allowed, which is for root alone. */
export const mountTinyDisk = (kibibytes: number): TinyDisk | undefined => {
  const dir = mkdtempSync(join(tmpdir(), 'tiny-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'tmpfs', dir]).status === 0;
  if (!mounted) {
    rmdirSync(dir);
    return undefined;
  }
  return {
    dir,
    remove: () => {
      spawnSync('umount', ['-l', dir]);
      rmdirSync(dir);
    },
  };
};
