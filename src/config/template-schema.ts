import * as z from 'zod';
import type { TemplateSettings } from '../domain/template.ts';
import { plainChecksum, plainPackage, plainSuite } from '../domain/template.ts';
import { httpUrl } from './leaves.ts';

const SIZE = /^(\d{1,4})\s*G(?:iB)?$/;

const withoutLogin = (text: string): boolean => {
  try {
    const { username, password } = new URL(text);
    return username === '' && password === '';
  } catch {
    return true; // said already that it is no URL
  }
};

const publicUrl = httpUrl.refine(withoutLogin, { error: 'a URL without user and password' });

const size = z
  .string({ error: 'a size such as 3G' })
  .refine((text) => sizeGibOf(text) >= 1 && sizeGibOf(text) <= 1024, { error: 'a size from 1G to 1024G' })
  .transform((text) => sizeGibOf(text));

const sizeGibOf = (text: string): number => Number(SIZE.exec(text.trim())?.[1] ?? Number.NaN);

/** The key `template` of provisioner.yaml: what `blockhost-build-template` builds when it is told nothing else. */
export const templateSchema = z.strictObject(
  {
    url: publicUrl.optional().describe('A cloud image; without it the template is made of Debian packages'),
    checksum: plainChecksum.optional().describe('What that image must be: sha256:HEX or sha512:HEX; required with url'),
    suite: plainSuite.optional().describe('The Debian release that packages come from (the host’s own)'),
    mirror: publicUrl.optional().describe('Where packages come from (http://deb.debian.org/debian)'),
    packages: z
      .array(plainPackage, { error: 'a list of Debian packages' })
      .optional()
      .describe('Debian packages beyond those that every template has'),
    size: size.optional().describe('How large the base is; machines’ disks are never smaller (3G)'),
  },
  { error: 'keys with values' },
);

/** Fills in what was left out. */
export const templateSettings = (file: z.infer<typeof templateSchema> = {}): TemplateSettings => ({
  image: file.url === undefined ? undefined : { url: file.url, checksum: file.checksum },
  suite: file.suite,
  mirror: file.mirror,
  packages: file.packages ?? [],
  sizeGib: file.size ?? 3,
});
