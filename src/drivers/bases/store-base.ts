import { randomBytes } from 'node:crypto';
import { chmod, copyFile, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BlockhostError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { BaseImage } from '../../ports/machine-builder.ts';
import { syncDirectory, writeFileAtomic } from '../files/atomic-write.ts';
import { ensureTraversableDirectory, isErrno } from '../files/shared-ownership.ts';
import { explainWriteFailure } from '../files/write-failure.ts';
import { type BaseManifest, createBaseNames, digestOf } from './base-files.ts';
import { readBase } from './base-store.ts';
import { readQcow2Header } from './qcow2-header.ts';

/*
 * INVARIANTS
 * - A file gets its final name only with its final content on disk, and is never written to again.
 * - `current` names a base only when image, kernel and manifest are on disk; until then the old one counts.
 * - Nothing that a machine may rest on is removed here.
 */

/** A finished image with what belongs to it. The image file is moved away; kernel and initrd are copied. */
export interface BaseToStore {
  /** qcow2 without a backing file, on any file system. */
  readonly imageFile: string;
  readonly boot:
    | { readonly kind: 'disk' }
    | { readonly kind: 'kernel'; readonly kernel: string; readonly initrd: string; readonly commandLine: string };
  readonly manifest: Pick<BaseManifest, 'source' | 'versions'>;
}

/**
 * Takes an image into the store and makes it the base of all machines to come; those that exist keep theirs. Cut off
 * anywhere, the store is as before. Doing it twice with one content is doing it once. Throws `BlockhostError`.
 */
export const storeBase = async (
  { directory, clock }: { readonly directory: string; readonly clock: Pick<Clock, 'nowUnixMs'> },
  { imageFile, boot, manifest }: BaseToStore,
): Promise<BaseImage> => {
  const header = await readQcow2Header(imageFile);
  if (header === undefined || !header.standsAlone) {
    throw new BlockhostError(`${imageFile} is not a qcow2 image that stands alone`, {
      code: 'base-image',
      retryable: false,
      hint: 'convert it: qemu-img convert -O qcow2 OLD NEW',
    });
  }
  const names = createBaseNames(directory);
  try {
    await ensureTraversableDirectory(dirname(directory));
    await ensureTraversableDirectory(directory);
    await removeAbandoned(directory, clock.nowUnixMs());
    const stored = {
      schema: 1,
      ...manifest,
      virtualSizeBytes: header.virtualSizeBytes,
      builtAtUnix: Math.floor(clock.nowUnixMs() / 1000),
      boot:
        boot.kind === 'disk'
          ? boot
          : {
              kind: 'kernel',
              kernel: await takeIn(directory, boot.kernel, names.kernel, copyFile),
              initrd: await takeIn(directory, boot.initrd, names.initrd, copyFile),
              commandLine: boot.commandLine,
            },
      digest: await takeIn(directory, imageFile, names.image, move),
    } as const satisfies BaseManifest;
    await writeFileAtomic(names.manifest(stored.digest), `${JSON.stringify(stored, undefined, 2)}\n`, { shared: true });
    await writeFileAtomic(names.current, `${stored.digest}\n`, { shared: true });
    return await readBase(names, stored.digest);
  } catch (error) {
    if (error instanceof BlockhostError) throw error;
    const { why, facts } = explainWriteFailure(error);
    throw new BlockhostError(`cannot store a base image in ${directory}: ${why}`, facts);
  }
};

const incoming = '.incoming-';
const abandonedAfterMs = 24 * 3_600_000;

/** Brings a file into the directory, sees what it is there, and gives it the name that follows from that. */
const takeIn = async (
  directory: string,
  from: string,
  placeOf: (digest: string) => string,
  bring: (from: string, to: string) => Promise<void>,
): Promise<string> => {
  const temporary = join(directory, `${incoming}${randomBytes(8).toString('hex')}`);
  try {
    await bring(from, temporary);
    await chmod(temporary, 0o444); // qemu's user reads it, nobody writes it
    await syncFile(temporary);
    const digest = await digestOf(temporary);
    // Over one of the same name, which has the same content or is damaged; whoever has it open keeps what he has.
    await rename(temporary, placeOf(digest));
    await syncDirectory(directory);
    return digest;
  } finally {
    await rm(temporary, { force: true });
  }
};

const move = async (from: string, to: string): Promise<void> => {
  try {
    await rename(from, to);
  } catch (error) {
    if (!isErrno(error, 'EXDEV')) throw error;
    await copyFile(from, to);
    await unlink(from);
  }
};

const syncFile = async (path: string): Promise<void> => {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** What a killed builder left, when nobody can be busy with it any more. */
const removeAbandoned = async (directory: string, nowUnixMs: number): Promise<void> => {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(incoming)) continue;
    const path = join(directory, name);
    const { mtimeMs, ctimeMs } = await stat(path);
    if (nowUnixMs - Math.max(mtimeMs, ctimeMs) > abandonedAfterMs) await rm(path, { force: true });
  }
};
