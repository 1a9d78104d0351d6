import type { DomainState } from './domain-state.ts';

const isNamedAfter = (entry: string, name: string): boolean =>
  entry === name || entry.startsWith(`${name}.`) || entry.startsWith(`${name}-`);

/**
 * Does one of a domain's files lie where only those of the machine `name` do: in a directory of ours, under that name?
 * So every provisioner of this kind lays them out, and nobody else's domain has one there (D10).
 */
export const hasFilesOf = (
  name: string,
  { disks, seeds }: Pick<DomainState, 'disks' | 'seeds'>,
  ownDirectories: readonly string[],
): boolean =>
  [...disks, ...seeds].some((path) =>
    ownDirectories.some((directory) => {
      const below = `${directory.replace(/\/+$/, '')}/`;
      if (!path.startsWith(below)) return false;
      const [entry = '', ...rest] = path.slice(below.length).split('/');
      return isNamedAfter(entry, name) && !rest.includes('..');
    }),
  );
