import { type DomainState, isOn } from '../domain/domain-state.ts';
import { HypervisorError } from '../domain/errors.ts';
import type { Uuid } from '../domain/identity.ts';
import type { MachineMemory } from '../domain/journal/memory.ts';
import { closeRecordOf } from './close-record.ts';
import type { Deps } from './deps.ts';

/*
 * INVARIANTS (D21, rules on libvirt)
 * - Nothing is taken apart before the dossier is on disk.
 * - No file moves before libvirt itself says that the domain is absent.
 * - Every part may be repeated: a destroy that was cut off anywhere is finished, or undone, by the next one.
 */

const isUnder = (path: string, directories: readonly string[]): boolean =>
  !path.includes('/../') && directories.some((directory) => path.startsWith(`${directory}/`));

/** Machines that are, or come back, where their files lie; what is in quarantine has none in its place. */
const IN_PLACE: ReadonlySet<MachineMemory['phase']> = new Set(['creating', 'present', 'destroying', 'restoring']);

/** What is used by others, by libvirt's word or by the journal's: it stays for those who still need it. */
const usedByOthers = async (deps: Deps, uuid: Uuid): Promise<ReadonlySet<string>> => {
  const domains = (await deps.hypervisor.list()).filter((domain) => domain.uuid !== uuid);
  const machines = Object.values(deps.journal.state().machines).filter(
    (memory) => memory.uuid !== uuid && IN_PLACE.has(memory.phase),
  );
  return new Set([
    ...domains.flatMap(({ disks, seeds }) => [...disks, ...seeds]),
    ...machines.flatMap(({ name, details }) => [...details.disks, ...details.seeds, deps.cloudInitDirectory(name)]),
  ]);
};

/** The machine's own files: disks and cloud-init below our directories. Anything else attached to it stays where it is. */
const filesOf = async (
  deps: Deps,
  memory: MachineMemory,
  { disks, seeds }: Pick<DomainState, 'disks' | 'seeds'>,
): Promise<readonly string[]> => {
  const cloudInit = deps.cloudInitDirectory(memory.name);
  // A name such as `..` would make it a directory of everybody's.
  const directory = !memory.name.includes('/') && cloudInit.endsWith(`/${memory.name}`) ? [cloudInit] : [];
  const loose = seeds.filter((path) => !path.startsWith(`${cloudInit}/`));
  const used = [...(await usedByOthers(deps, memory.uuid))];
  const isShared = (path: string): boolean => used.some((other) => other === path || other.startsWith(`${path}/`));
  return [...new Set([...disks, ...loose, ...directory])].filter(
    (path) => isUnder(path, deps.ownDirectories) && !isShared(path),
  );
};

/**
 * Makes a dossier of a machine whose domain somebody else took away: only what the journal remembers of its files. What
 * it stands in for cannot be restored, so it is for those alone who want the rest gone.
 */
export const keepRemains = async (deps: Deps, memory: MachineMemory): Promise<void> => {
  const { uuid, name, details } = memory;
  if ((await deps.hypervisor.look(uuid)) !== 'absent' || (await deps.quarantine.dossier(uuid))) return;
  const definition = `<!-- libvirt had no domain ${uuid} any more -->`;
  await deps.quarantine.keep({ uuid, name, definition, files: await filesOf(deps, memory, details) });
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
    files: await filesOf(deps, memory, domain),
  });
};

const undefineAndVerify = async (deps: Deps, uuid: Uuid): Promise<void> => {
  await deps.hypervisor.undefine(uuid);
  if ((await deps.hypervisor.look(uuid)) !== 'absent') {
    throw new HypervisorError('the domain is still there after undefine', { code: 'undefine-failed', retryable: true });
  }
};

/** Takes a stopped machine apart into quarantine: from outside it is destroyed, inside everything is kept (D21). */
export const destroyMachine = async (deps: Deps, memory: MachineMemory): Promise<void> => {
  await keepDossier(deps, memory);
  await undefineAndVerify(deps, memory.uuid);
  await deps.quarantine.moveIn(memory.uuid);
  await deps.hypervisor.refreshPools();
  const { uuid, name, details } = memory;
  await closeRecordOf(deps, { uuid, name, ipAddress: details.ipAddress, ipv6Address: details.ipv6Address });
  const untilUnixMs = deps.clock.nowUnixMs() + deps.policy.quarantineMs;
  await deps.journal.append([{ kind: 'quarantined', uuid: memory.uuid, untilUnixMs }]);
};
