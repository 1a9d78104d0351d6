import { explain, HypervisorError } from '../domain/errors.ts';
import type { Uuid } from '../domain/identity.ts';
import { machinesIn } from '../domain/journal/machine-map.ts';
import type { Deps } from './deps.ts';

/** Which files others on this host still need. */
export interface NeededFiles {
  /** Is this file, or one below this directory, among them? */
  has(path: string): boolean;
}

const MAY_COME_BACK: ReadonlySet<string> = new Set(['destroying', 'quarantined', 'restoring']);

const ofDomains = async (deps: Deps, uuid: Uuid): Promise<readonly string[]> => {
  // A disk that was made past libvirt is found only after that.
  await deps.hypervisor.refreshPools();
  const paths: string[] = [];
  for (const other of await deps.hypervisor.list()) {
    if (other.uuid === uuid) continue;
    const files = await deps.hypervisor.diskFiles(other.uuid).catch((error: unknown) => {
      throw new HypervisorError(
        `what the disks of ${other.name} (${other.disks.join(', ') || 'none known'}) stand on is unknown: ${explain(error)}`,
        {
          code: 'disk-chain-unknown',
          retryable: true,
          cause: error,
          hint: 'see why `qemu-img info --backing-chain` cannot read it and mend that; until then no files of any machine move',
        },
      );
    });
    if (other.nvram !== undefined) paths.push(other.nvram);
    paths.push(...other.disks, ...other.seeds, ...files.flatMap(({ path, realPath }) => [path, realPath]));
  }
  return paths;
};

const ofQuarantine = async (deps: Deps, uuid: Uuid): Promise<readonly string[]> => {
  const paths: string[] = [];
  for (const other of machinesIn(deps.journal.state().machines)) {
    if (other.uuid === uuid || !MAY_COME_BACK.has(other.phase)) continue;
    try {
      paths.push(...(await deps.quarantine.needs(other.uuid)));
    } catch (error) {
      throw new HypervisorError(`what ${other.name} needs to come back is unknown: ${explain(error)}`, {
        code: 'dossier-unknown',
        retryable: true,
        cause: error,
      });
    }
  }
  return paths;
};

/** Machines that are, or come back, where their files lie; what is in quarantine has none in its place. */
const IN_PLACE: ReadonlySet<string> = new Set(['creating', 'present', 'destroying', 'restoring']);

/** What the journal remembers of machines whose domain libvirt may not have at this moment. */
const ofJournal = (deps: Deps, uuid: Uuid): readonly string[] =>
  machinesIn(deps.journal.state().machines).flatMap((other) =>
    other.uuid === uuid || !IN_PLACE.has(other.phase)
      ? []
      : [...other.details.disks, ...other.details.seeds, deps.cloudInitDirectory(other.name)],
  );

/**
 * What other domains' disks read down to the last backing file, what machines in quarantine need to come back, and what
 * the journal knows to be another machine's.
 * Throws (retryable) where that cannot be told of one of them: unknown is not no (L3).
 */
export const neededByOthers = async (deps: Deps, uuid: Uuid): Promise<NeededFiles> => {
  const paths = [...(await ofDomains(deps, uuid)), ...(await ofQuarantine(deps, uuid)), ...ofJournal(deps, uuid)];
  const exact = new Set(paths);
  return { has: (path) => exact.has(path) || paths.some((needed) => needed.startsWith(`${path}/`)) };
};
