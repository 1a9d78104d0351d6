import { type DomainState, isOn } from '../domain/domain-state.ts';
import { HypervisorError } from '../domain/errors.ts';
import type { Uuid } from '../domain/identity.ts';
import type { MachineMemory } from '../domain/journal/memory.ts';
import type { DiskFile } from '../ports/hypervisor.ts';
import { type Authority, serve } from './authority.ts';
import { closeRecordOf } from './close-record.ts';
import type { Deps } from './deps.ts';
import { neededByOthers } from './needed-files.ts';

/*
 * INVARIANTS (D21, rules on libvirt)
 * - Nothing is taken apart before the dossier is on disk, and without an authority that was looked at after that.
 * - No file moves before libvirt itself says that the domain is absent.
 * - No file moves that another domain, or a machine in quarantine, may read; where that is unknown, nothing moves (L3).
 * - Every part may be repeated: a destroy that was cut off anywhere is finished, or undone, by the next one.
 */

const isUnder = (path: string, directories: readonly string[]): boolean =>
  !path.includes('/../') && directories.some((directory) => path.startsWith(`${directory}/`));

interface OwnFiles {
  /** What moves: its own disks, its NVRAM, its ISO and its cloud-init directory, below our directories and nobody else's. */
  readonly files: readonly string[];
  /** What its disks read besides: it stays where it is, and must stay while the machine may come back. */
  readonly needs: readonly string[];
}

type Attached = Pick<DomainState, 'disks' | 'seeds' | 'nvram'>;

const filesOf = async (
  deps: Deps,
  memory: MachineMemory,
  { disks, seeds, nvram }: Attached,
  read: readonly DiskFile[],
): Promise<OwnFiles> => {
  const cloudInit = deps.cloudInitDirectory(memory.name);
  // A name such as `..` would make it a directory of everybody's.
  const directory = !memory.name.includes('/') && cloudInit.endsWith(`/${memory.name}`) ? [cloudInit] : [];
  const loose = seeds.filter((path) => !path.startsWith(`${cloudInit}/`));
  const needed = await neededByOthers(deps, memory.uuid);
  const realPathOf = (path: string): string => read.find((file) => file.path === path)?.realPath ?? path;
  const own = [...disks, ...loose, ...(nvram === undefined ? [] : [nvram]), ...directory];
  const files = [...new Set(own)].filter(
    (path) => isUnder(path, deps.ownDirectories) && !needed.has(path) && !needed.has(realPathOf(path)),
  );
  const moves = (path: string): boolean => files.some((file) => path === file || path.startsWith(`${file}/`));
  const stays = read.filter(({ path }) => !moves(path));
  return { files, needs: [...new Set(stays.flatMap(({ path, realPath }) => [path, realPath]))] };
};

/**
 * Makes a dossier of a machine whose domain somebody else took away: only what the journal remembers of its files. What
 * it stands in for cannot be restored, so it is for those alone who want the rest gone.
 */
export const keepRemains = async (deps: Deps, memory: MachineMemory): Promise<void> => {
  const { uuid, name, details } = memory;
  if ((await deps.hypervisor.look(uuid)) !== 'absent' || (await deps.quarantine.dossier(uuid))) return;
  const definition = `<!-- libvirt had no domain ${uuid} any more -->`;
  await deps.quarantine.keep({ uuid, name, definition, ...(await filesOf(deps, memory, details, [])) });
};

const keepDossier = async (deps: Deps, memory: MachineMemory): Promise<void> => {
  const domain = await deps.hypervisor.look(memory.uuid);
  if (domain === 'absent') {
    if (await deps.quarantine.dossier(memory.uuid)) return;
    throw new HypervisorError(`${memory.name} is gone, and nothing was kept of its definition`, {
      code: 'destroy-without-dossier',
      retryable: false,
      hint: 'look for its files by hand, then acknowledge',
    });
  }
  if (isOn(domain)) throw new HypervisorError(`${memory.name} is on`, { code: 'domain-on', retryable: true });
  const definition = await deps.hypervisor.definition(memory.uuid);
  await deps.quarantine.keep({
    uuid: memory.uuid,
    name: memory.name,
    definition,
    ...(await filesOf(deps, memory, domain, await deps.hypervisor.diskFiles(memory.uuid))),
  });
};

const undefineAndVerify = async (deps: Deps, uuid: Uuid): Promise<void> => {
  await deps.hypervisor.undefine(uuid);
  if ((await deps.hypervisor.look(uuid)) !== 'absent') {
    throw new HypervisorError('the domain is still there after undefine', { code: 'undefine-failed', retryable: true });
  }
};

/** Takes a stopped machine apart into quarantine: from outside it is destroyed, inside everything is kept (D21). */
export const destroyMachine = async (
  deps: Deps,
  memory: MachineMemory,
  authority: Authority | undefined,
): Promise<void> => {
  await keepDossier(deps, memory);
  await serve(deps, memory, 'destroy', authority);
  await undefineAndVerify(deps, memory.uuid);
  await deps.quarantine.moveIn(memory.uuid);
  await deps.hypervisor.refreshPools();
  const { uuid, name, details } = memory;
  await closeRecordOf(deps, { uuid, name, ipAddress: details.ipAddress, ipv6Address: details.ipv6Address });
  const untilUnixMs = deps.clock.nowUnixMs() + deps.policy.quarantineMs;
  await deps.journal.append([{ kind: 'quarantined', uuid: memory.uuid, untilUnixMs }]);
};
