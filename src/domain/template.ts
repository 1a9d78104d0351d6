import * as z from 'zod';

/** What goes into a template: where it comes from, and all that decides whether another build could differ. */

const checksumWanted = 'sha256:HEX or sha512:HEX';

/** A digest with its algorithm, in lower case. */
export const plainChecksum = z
  .string({ error: checksumWanted })
  .transform((text) => text.trim().toLowerCase())
  .refine((text) => /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(text), { error: checksumWanted });

const suiteWanted = 'the name of a Debian release such as bookworm';

export const plainSuite = z.string({ error: suiteWanted }).regex(/^[a-z][a-z0-9-]{1,31}$/, { error: suiteWanted });

const packageWanted = 'the name of a Debian package';

export const plainPackage = z
  .string({ error: packageWanted })
  .regex(/^[a-z0-9][a-z0-9.+-]{1,127}$/, { error: packageWanted });

/** What the configuration says of templates. */
export interface TemplateSettings {
  readonly image: { readonly url: string; readonly checksum: string | undefined } | undefined;
  /** Undefined: the host's own release. */
  readonly suite: string | undefined;
  readonly mirror: string | undefined;
  readonly packages: readonly string[];
  readonly sizeGib: number;
}

/** Where a template comes from. */
export type TemplateSource =
  | {
      readonly kind: 'packages';
      readonly suite: string | undefined;
      readonly mirror: string | undefined;
      readonly packages: readonly string[];
      readonly sizeGib: number;
    }
  | { readonly kind: 'url'; readonly url: string; readonly checksum: string; readonly asIs: boolean }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly checksum: string | undefined;
      readonly asIs: boolean;
    };

/** A .deb that is installed into the template. */
export interface LocalPackage {
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** Hexadecimal SHA-256 of the file. */
  readonly sha256: string;
}

/** A source as it was found: nothing in it is left to the time of the build, but what Debian's archive holds that day. */
export interface SettledSource {
  readonly source: TemplateSource;
  /** The release, for packages; the image's checksum as it is known before the build, for images. */
  readonly pinned: string;
  readonly localPackages: readonly LocalPackage[];
}

/** Counts up with every change of the recipe that makes a different image of the same sources. */
export const RECIPE_VERSION = 2;

/**
 * One text for one set of inputs: equal exactly where a build of the same day would give the same template. Order and
 * file names of local packages are not in it, nor where an image was fetched from.
 */
export const inputsText = ({ source, pinned, localPackages }: SettledSource): string =>
  JSON.stringify({
    recipe: RECIPE_VERSION,
    pinned,
    ...(source.kind === 'packages'
      ? { packages: [...new Set(source.packages)].sort(), mirror: source.mirror ?? '', sizeGib: source.sizeGib }
      : { asIs: source.asIs }),
    local: [...new Set(localPackages.map(({ sha256 }) => sha256))].sort(),
  });
