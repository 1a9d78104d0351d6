import { BlockhostError } from '../../domain/errors.ts';
import type { Dossier, Quarantine } from '../../ports/quarantine.ts';

const HOME = '/quarantine';

/** Quarantine over files in memory, moved one by one, so that whoever moves them may die between two. */
export const createModelQuarantine = (
  files: Map<string, string>,
  moved: () => Promise<void>,
): Quarantine & { readonly dossiers: ReadonlyMap<string, Dossier> } => {
  const dossiers = new Map<string, Dossier>();

  const kept = (uuid: string, index: number): string => `${HOME}/${uuid}/${index}`;
  const under = (place: string): readonly string[] =>
    [...files.keys()].filter((path) => path === place || path.startsWith(`${place}/`));

  const move = async (from: string, to: string): Promise<void> => {
    for (const path of under(from)) {
      const target = `${to}${path.slice(from.length)}`;
      if (files.has(target)) {
        throw new BlockhostError(`${target} is there already`, { code: 'place-taken', retryable: false });
      }
      files.set(target, files.get(path) ?? '');
      files.delete(path);
      await moved();
    }
  };

  const filesOf = (uuid: string): readonly string[] => dossiers.get(uuid)?.files ?? [];

  return {
    dossiers,
    keep: async (dossier) => {
      const begun = filesOf(dossier.uuid).some((_, index) => under(kept(dossier.uuid, index)).length > 0);
      if (!begun) dossiers.set(dossier.uuid, dossier);
    },
    dossier: async (uuid) => dossiers.get(uuid),
    needs: async (uuid) => [
      ...filesOf(uuid).filter((_, index) => under(kept(uuid, index)).length === 0),
      ...(dossiers.get(uuid)?.needs ?? []),
    ],
    keptPaths: async (uuid) =>
      filesOf(uuid).flatMap((file, index) => {
        const there = under(kept(uuid, index));
        return there.length > 0 && !files.has(file) ? [...there, file] : there;
      }),
    moveIn: async (uuid) => {
      for (const [index, file] of filesOf(uuid).entries()) await move(file, kept(uuid, index));
    },
    moveOut: async (uuid) => {
      for (const [index, file] of filesOf(uuid).entries()) await move(kept(uuid, index), file);
    },
    purge: async (uuid) => {
      for (const path of under(`${HOME}/${uuid}`)) files.delete(path);
      dossiers.delete(uuid);
    },
    forget: async (uuid) => void dossiers.delete(uuid),
  };
};
