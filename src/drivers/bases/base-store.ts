import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { BlockhostError, HypervisorError } from '../../domain/errors.ts';
import type { BaseImage } from '../../ports/machine-builder.ts';
import { writeFileAtomic } from '../files/atomic-write.ts';
import { isErrno } from '../files/shared-ownership.ts';
import { type BaseNames, createBaseNames, digestOf, readIfThere, readManifest, unreadable } from './base-files.ts';

/** Base images, read. `storeBase` puts them there. */
export interface BaseStore {
  current(): Promise<BaseImage | 'absent'>;
  /**
   * Throws (incurable) unless the image of that digest is there with that content, and its kernel with it. The image is
   * read in full only where it looks other than when that was done last.
   */
  verify(digest: string): Promise<void>;
}

/** The store in a directory, which need not exist. */
export const createBaseStore = ({ directory }: { readonly directory: string }): BaseStore => {
  const names = createBaseNames(directory);
  return {
    current: async () => {
      const digest = (await readIfThere(names.current))?.trim();
      if (digest === undefined) return 'absent';
      return readBase(names, digest);
    },
    verify: async (digest) => {
      await verifyImage(names, digest);
      const manifest = await readManifest(names, digest);
      if (manifest === 'absent' || manifest.boot.kind !== 'kernel') return;
      // libvirt gives these two to qemu's user while a machine runs, so how they look proves nothing; they are small.
      await verifyContent(names.kernel(manifest.boot.kernel), manifest.boot.kernel);
      await verifyContent(names.initrd(manifest.boot.initrd), manifest.boot.initrd);
    },
  };
};

/** A base as machines are made of it. Throws (incurable) where its manifest is gone. */
export const readBase = async (names: BaseNames, digest: string): Promise<BaseImage> => {
  const manifest = await readManifest(names, digest);
  if (manifest === 'absent') throw wrong(names.manifest(digest), 'is not there', 'base-missing');
  const { boot, virtualSizeBytes } = manifest;
  const files =
    boot.kind === 'disk' ? boot : { ...boot, kernel: names.kernel(boot.kernel), initrd: names.initrd(boot.initrd) };
  return { digest, path: names.image(digest), virtualSizeBytes, boot: files };
};

const verifyImage = async (names: BaseNames, digest: string): Promise<void> => {
  const path = names.image(digest);
  const now = lookOf(await statThere(path));
  if ((await readIfThere(names.seen(digest))) === now) return;
  await verifyContent(path, digest);
  await remember(names.seen(digest), now);
};

const verifyContent = async (path: string, digest: string): Promise<void> => {
  await statThere(path);
  const found = await digestOf(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (found !== digest) throw wrong(path, `holds ${found}`, 'base-wrong');
};

const statThere = async (path: string): Promise<BigIntStats> => {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) throw wrong(path, 'is not there', 'base-missing');
    throw unreadable(path, error);
  }
};

/** Owner and ctime are left out: libvirt may change both while machines come and go. */
const lookOf = ({ dev, ino, size, mtimeNs }: BigIntStats): string => `${dev} ${ino} ${size} ${mtimeNs}\n`;

/** Remembering only saves time; a directory that is closed to this user costs a reading at every start. */
const remember = async (path: string, look: string): Promise<void> => {
  await writeFileAtomic(path, look, { shared: true }).catch((error: unknown) => {
    if (!(error instanceof BlockhostError)) throw error;
  });
};

const wrong = (path: string, what: string, code: string): HypervisorError =>
  new HypervisorError(`base image: ${path} ${what}`, {
    code,
    retryable: false,
    hint: 'put that very file back; every disk made of it is worthless without it',
  });
