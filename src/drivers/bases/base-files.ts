import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import * as z from 'zod';
import { HypervisorError } from '../../domain/errors.ts';
import { isErrno } from '../files/shared-ownership.ts';

/*
 * The directory of base images. Everything in it is named by its own SHA-256 and never changes:
 *   <hex>.qcow2      an image, and beside it <hex>.json, what is known of it
 *   <hex>.kernel     a kernel, <hex>.initrd its initial file system, for images without a boot loader
 *   <hex>.seen       how the image looked when its content was last read in full
 *   current          the digest that new machines get
 */

/** `sha256:` and 64 hexadecimal digits. */
export const digestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/);

const bootSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('disk') }),
  z.object({
    kind: z.literal('kernel'),
    kernel: digestSchema,
    initrd: digestSchema,
    commandLine: z.string(),
  }),
]);

/** What stands beside an image. */
export const baseManifestSchema = z.object({
  schema: z.literal(1),
  digest: digestSchema,
  virtualSizeBytes: z.number().int().positive(),
  boot: bootSchema,
  /** Where it came from, in words or as a URL without secrets. */
  source: z.string(),
  builtAtUnix: z.number().int().nonnegative(),
  /** Whatever else its builder wants to be remembered: releases, packages, how it was made. */
  versions: z.record(z.string(), z.string()),
});
export type BaseManifest = z.infer<typeof baseManifestSchema>;

/** Where the parts of a base lie. */
export const createBaseNames = (directory: string) => {
  const place = (digest: string, kind: string): string => join(directory, `${hexOf(digest)}.${kind}`);
  return {
    image: (digest: string): string => place(digest, 'qcow2'),
    manifest: (digest: string): string => place(digest, 'json'),
    kernel: (digest: string): string => place(digest, 'kernel'),
    initrd: (digest: string): string => place(digest, 'initrd'),
    seen: (digest: string): string => place(digest, 'seen'),
    current: join(directory, 'current'),
  };
};
export type BaseNames = ReturnType<typeof createBaseNames>;

const hexOf = (digest: string): string => {
  if (!digestSchema.safeParse(digest).success) {
    throw new HypervisorError(`"${digest}" is not the digest of a base image`, {
      code: 'base-digest',
      retryable: false,
      hint: 'wants sha256: and 64 hexadecimal digits',
    });
  }
  return digest.slice('sha256:'.length);
};

/** The digest of a file's content, read as a stream. */
export const digestOf = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return `sha256:${hash.digest('hex')}`;
};

/** Reads what stands beside an image; `absent` where nothing does. Throws (incurable) where that is not as we write it. */
export const readManifest = async (names: BaseNames, digest: string): Promise<BaseManifest | 'absent'> => {
  const path = names.manifest(digest);
  const text = await readIfThere(path);
  if (text === undefined) return 'absent';
  const parsed = baseManifestSchema.safeParse(fromJson(text));
  if (parsed.success && parsed.data.digest === digest) return parsed.data;
  throw new HypervisorError(`${path} is not the manifest of that base image`, {
    code: 'base-manifest',
    retryable: false,
    hint: 'build the template anew',
  });
};

/** A file's text; undefined where it is not there. What else keeps it from being read is worth another try. */
export const readIfThere = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw unreadable(path, error);
  }
};

/** Could not be looked at: nothing is known of it. */
export const unreadable = (path: string, error: unknown): HypervisorError =>
  new HypervisorError(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`, {
    code: 'base-unreadable',
    retryable: true,
    hint: 'is its file system mounted, and may this user read it?',
    cause: error,
  });

const fromJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
