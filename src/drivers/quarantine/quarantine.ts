import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BlockhostError } from '../../domain/errors.ts';
import type { Dossier, Quarantine } from '../../ports/quarantine.ts';
import { syncDirectory } from '../files/atomic-write.ts';
import { DOSSIER, readDossier, writeDossier } from './dossiers.ts';
import { createPlaces, exists } from './places.ts';

/*
 * INVARIANTS
 * - A file is moved by rename alone, so it is always whole and in exactly one of its two places.
 * - A machine is whole again only when every file that was there at `keep` is back; nothing that is kept is deleted but
 *   by `purge`.
 */

const clash = (path: string): BlockhostError =>
  new BlockhostError(`${path} is there already`, {
    code: 'quarantine-clash',
    retryable: false,
    hint: 'two files claim one place; keep the right one and acknowledge',
  });

const missing = (path: string): BlockhostError =>
  new BlockhostError(`${path} is not there`, {
    code: 'quarantine-missing',
    retryable: true,
    hint: 'mount or make what is missing; nothing was moved',
  });

const move = async (from: string, to: string): Promise<void> => {
  await rename(from, to);
  await syncDirectory(dirname(to));
  await syncDirectory(dirname(from));
};

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Quarantine on the host's own file systems; moves are renames. */
export const createQuarantine = (options: { readonly directory: string }): Quarantine => {
  const places = createPlaces(options.directory);
  const home = (uuid: string): string => {
    if (!ID.test(uuid))
      throw new BlockhostError(`not a machine's UUID: ${uuid}`, { code: 'bad-uuid', retryable: false });
    return places.own(uuid);
  };
  const read = async (uuid: string): Promise<Dossier | undefined> => readDossier(home(uuid), uuid);

  /** Each file of the dossier with the place where it is kept now, if it is. */
  const filesOf = async (uuid: string) => {
    const files = (await read(uuid))?.files ?? [];
    return Promise.all(files.map(async (file, index) => ({ file, index, kept: await places.kept(uuid, index, file) })));
  };

  const removeEmpty = async (directories: Iterable<string>): Promise<void> => {
    for (const directory of new Set(directories)) if (await exists(directory)) await rmdir(directory);
  };

  return {
    keep: async (dossier) => {
      const { uuid } = dossier;
      // Once a file is kept, the dossier says where it belongs. Before that, a newer definition is the better one.
      if ((await filesOf(uuid)).some(({ kept }) => kept !== undefined)) return;
      const there = await Promise.all(dossier.files.map(exists));
      await writeDossier(home(uuid), { ...dossier, files: dossier.files.filter((_, index) => there[index]) });
    },
    dossier: read,
    needs: async (uuid) => {
      const left = (await filesOf(uuid)).filter(({ kept }) => kept === undefined);
      return [...left.map(({ file }) => file), ...((await read(uuid))?.needs ?? [])];
    },
    keptPaths: async (uuid) => {
      const paths: string[] = [];
      for (const { file, kept } of await filesOf(uuid)) {
        if (kept !== undefined) paths.push(kept, ...((await exists(file)) ? [] : [file]));
      }
      return paths;
    },
    moveIn: async (uuid) => {
      for (const { file, index, kept } of await filesOf(uuid)) {
        if (!(await exists(file))) continue;
        if (kept !== undefined) throw clash(file);
        const place = await places.forFile(uuid, index, file);
        await mkdir(dirname(place), { recursive: true, mode: 0o710 });
        await move(file, place);
      }
    },
    moveOut: async (uuid) => {
      const files = await filesOf(uuid);
      // All are looked at before the first is moved: a machine is put back whole, or not at all.
      for (const { file, kept } of files) {
        const inPlace = await exists(file);
        if (inPlace && kept !== undefined) throw clash(file);
        if (!inPlace && kept === undefined) throw missing(file);
        if (!inPlace && !(await exists(dirname(file)))) throw missing(dirname(file));
      }
      for (const { file, kept } of files) if (kept !== undefined) await move(kept, file);
    },
    purge: async (uuid) => {
      const files = await filesOf(uuid);
      for (const directory of new Set(files.map(({ file }) => places.beside(uuid, file)))) {
        await rm(directory, { recursive: true, force: true });
      }
      for (const entry of (await exists(home(uuid))) ? await readdir(home(uuid)) : []) {
        if (entry !== DOSSIER) await rm(join(home(uuid), entry), { recursive: true, force: true });
      }
      await rm(home(uuid), { recursive: true, force: true });
    },
    forget: async (uuid) => {
      const files = await filesOf(uuid);
      const left = files.find(({ kept }) => kept !== undefined)?.kept;
      if (left !== undefined) throw clash(left);
      await removeEmpty(files.map(({ file }) => places.beside(uuid, file)));
      if (!(await exists(home(uuid)))) return;
      // What a dying writer left beside the dossier goes with it; anything else there keeps the directory, and is told.
      const ours = (await readdir(home(uuid))).filter((name) => name === DOSSIER || name.startsWith(`.${DOSSIER}.`));
      for (const name of ours) await rm(join(home(uuid), name), { force: true });
      await removeEmpty([home(uuid)]);
    },
  };
};
