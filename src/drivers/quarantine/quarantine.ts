import { lstat, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as z from 'zod';
import { BlockhostError } from '../../domain/errors.ts';
import type { Dossier, Quarantine } from '../../ports/quarantine.ts';
import { writeFileAtomic } from '../files/atomic-write.ts';

const dossierSchema = z.object({
  uuid: z.string(),
  name: z.string(),
  definition: z.string().min(1),
  files: z.array(z.string().startsWith('/')),
});

const exists = async (path: string): Promise<boolean> => {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
};

const deviceOf = async (path: string): Promise<number> => (await lstat(path)).dev;

/**
 * The place of a file in quarantine: in our own directory where that is on the same file system, else in a hidden
 * directory beside it, because a move must never become a copy.
 */
const createPlaces = (directory: string) => {
  const beside = (uuid: string, file: string): string => join(dirname(file), '.blockhost-quarantine', uuid);
  return {
    beside,
    own: (uuid: string): string => join(directory, uuid),
    forFile: async (uuid: string, index: number, file: string): Promise<string> => {
      const same = (await deviceOf(dirname(file))) === (await deviceOf(directory));
      return join(same ? join(directory, uuid) : beside(uuid, file), `${index}-${basename(file)}`);
    },
  };
};

const move = async (from: string, to: string): Promise<void> => {
  if (!(await exists(from))) return;
  if (await exists(to)) {
    throw new BlockhostError(`${to} is there already`, {
      code: 'quarantine-clash',
      retryable: false,
      hint: 'two files claim one place; keep the right one and acknowledge',
    });
  }
  await mkdir(dirname(to), { recursive: true, mode: 0o710 });
  await rename(from, to);
};

const ID = /^[0-9a-f-]{36}$/;

/** Quarantine on the host's own file systems; moves are renames. */
export const createQuarantine = (options: { readonly directory: string }): Quarantine => {
  const places = createPlaces(options.directory);
  const home = (uuid: string): string => {
    if (!ID.test(uuid))
      throw new BlockhostError(`not a machine's UUID: ${uuid}`, { code: 'bad-uuid', retryable: false });
    return places.own(uuid);
  };
  const dossierPath = (uuid: string): string => join(home(uuid), 'dossier.json');

  const read = async (uuid: string): Promise<Dossier | undefined> => {
    if (!(await exists(dossierPath(uuid)))) return undefined;
    const parsed = dossierSchema.safeParse(JSON.parse(await readFile(dossierPath(uuid), 'utf8')));
    if (parsed.success && parsed.data.uuid === uuid) return parsed.data;
    throw new BlockhostError(`${dossierPath(uuid)} is not a dossier of this machine`, {
      code: 'bad-dossier',
      retryable: false,
    });
  };

  const each = async (uuid: string, body: (file: string, kept: string) => Promise<void>): Promise<void> => {
    const files = (await read(uuid))?.files ?? [];
    for (const [index, file] of files.entries()) {
      if (!(await exists(dirname(file)))) continue;
      await body(file, await places.forFile(uuid, index, file));
    }
  };

  const removeBeside = async (uuid: string): Promise<void> => {
    const files = (await read(uuid))?.files ?? [];
    for (const directory of new Set(files.map((file) => places.beside(uuid, file)))) {
      await rm(directory, { recursive: true, force: true });
    }
  };

  return {
    keep: async (dossier) => {
      await mkdir(home(dossier.uuid), { recursive: true, mode: 0o710 });
      if (await read(dossier.uuid)) return;
      await writeFileAtomic(dossierPath(dossier.uuid), `${JSON.stringify(dossier, null, 2)}\n`, { mode: 0o640 });
    },
    dossier: read,
    moveIn: (uuid) => each(uuid, move),
    moveOut: (uuid) => each(uuid, (file, kept) => move(kept, file)),
    purge: async (uuid) => {
      await removeBeside(uuid);
      for (const entry of (await exists(home(uuid))) ? await readdir(home(uuid)) : []) {
        if (entry !== 'dossier.json') await rm(join(home(uuid), entry), { recursive: true, force: true });
      }
      await rm(home(uuid), { recursive: true, force: true });
    },
    forget: async (uuid) => {
      await rm(dossierPath(uuid), { force: true });
      await rm(home(uuid), { recursive: true, force: true });
    },
  };
};
