import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { BlockhostError } from '../../domain/errors.ts';
import type { Dossier } from '../../ports/quarantine.ts';
import { syncDirectory, writeFileAtomic } from '../files/atomic-write.ts';
import { exists } from './places.ts';

const dossierSchema = z.object({
  uuid: z.string(),
  name: z.string(),
  definition: z.string().min(1),
  files: z.array(z.string().startsWith('/')),
  needs: z.array(z.string()).default([]), // dossiers of old have none
});

/** The name of the dossier in a machine's own directory; no kept file is called so, theirs begin with a number. */
export const DOSSIER = 'dossier.json';

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Undefined where there is none; throws, incurable, where it is damaged or another machine's. */
export const readDossier = async (home: string, uuid: string): Promise<Dossier | undefined> => {
  const path = join(home, DOSSIER);
  if (!(await exists(path))) return undefined;
  const { success, data } = dossierSchema.safeParse(parse(await readFile(path, 'utf8')));
  if (success && data.uuid === uuid) return data;
  throw new BlockhostError(`${path} is not a dossier of this machine`, {
    code: 'bad-dossier',
    retryable: false,
    hint: 'the files beside it are whole; look for their places by hand, then acknowledge',
  });
};

/** On disk, with its directory, when this resolves. */
export const writeDossier = async (home: string, dossier: Dossier): Promise<void> => {
  await mkdir(home, { recursive: true, mode: 0o710 });
  await writeFileAtomic(join(home, DOSSIER), `${JSON.stringify(dossier, null, 2)}\n`, { mode: 0o640 });
  await syncDirectory(dirname(home));
};
