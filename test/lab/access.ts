import { existsSync } from 'node:fs';
import { chmod, chown, copyFile, mkdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { GuestImage } from './guest-image.ts';

/** Gives files and folders to the user that qemu runs as, and opens the way to them below the temporary directory. */
export async function giveTo(user: number | undefined, ...paths: readonly string[]): Promise<void> {
  if (user === undefined) return;
  for (const path of paths) {
    await chown(path, user, user);
    for (let folder = dirname(resolve(path)); folder.startsWith(`${tmpdir()}/`); folder = dirname(folder)) {
      await chmod(folder, (await stat(folder)).mode | 0o011);
    }
  }
}

/** The image as that user can read it: the cache is below a home that may be closed, so it is copied to `folder`. */
export async function readableImage(image: GuestImage, user: number | undefined, folder: string): Promise<GuestImage> {
  if (user === undefined) return image;
  await mkdir(folder, { recursive: true });
  await giveTo(user, folder);
  const copied = async (path: string): Promise<string> => {
    const target = join(folder, basename(path));
    if (!existsSync(target)) await copyFile(path, target); // running guests hold those that are there
    await giveTo(user, target);
    return target;
  };
  return {
    dir: folder,
    kernel: await copied(image.kernel),
    initramfs: await copied(image.initramfs),
    base: await copied(image.base),
  };
}
