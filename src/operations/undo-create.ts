import { isOn } from '../domain/domain-state.ts';
import { HypervisorError, LockBusyError } from '../domain/errors.ts';
import type { MachineMemory } from '../domain/journal/memory.ts';
import type { Deps } from './deps.ts';

/*
 * INVARIANTS
 * - Only what bears this very create's marks is taken away: the domain by UUID and metadata, the record by its time and
 *   address, the files by their places, which were empty when the create began and are no other machine's now.
 * - The create's lock is held: else a new create of the same name could be undone together with the old one.
 * - Every part may be repeated; `create-undone` comes last.
 */

const takeDomain = async (deps: Deps, { uuid, name }: MachineMemory): Promise<void> => {
  for (const how of ['graceful', 'forced'] as const) {
    const domain = await deps.hypervisor.look(uuid);
    if (domain === 'absent') return;
    if (domain.metadata?.uuid !== uuid) {
      throw new HypervisorError(`the domain of ${name} does not bear our mark`, {
        code: 'not-our-domain',
        retryable: false,
        hint: `look who defined ${uuid}, then acknowledge`,
      });
    }
    if (!isOn(domain)) break;
    // Only the second attempt may fail: what the first one could not do is what the second one is for.
    await deps.hypervisor.powerOff(uuid, how).catch((error: unknown) => {
      if (how === 'forced') throw error;
    });
  }
  await deps.hypervisor.undefine(uuid);
  if ((await deps.hypervisor.look(uuid)) !== 'absent')
    throw new HypervisorError(`${name} is still there after undefine`, { code: 'undefine-failed', retryable: true });
};

/** Another machine of that name has come (back) to its places: then the files are that one's. */
const placesAreAnothers = async (deps: Deps, memory: MachineMemory): Promise<boolean> => {
  const places = deps.builder.placesOf(memory.name);
  const ours = new Set([places.disk, places.seed]);
  const users = (await deps.hypervisor.list()).filter(({ uuid }) => uuid !== memory.uuid);
  return users.some(
    ({ name, disks, seeds }) => name === memory.name || [...disks, ...seeds].some((path) => ours.has(path)),
  );
};

/** Takes back an uncommitted create. The caller holds the create's lock of that name. */
export const undoUnderLock = async (
  deps: Deps,
  memory: MachineMemory,
  why: string,
  { keepDisk = false }: { readonly keepDisk?: boolean } = {},
): Promise<void> => {
  const { name, uuid, details } = memory;
  await takeDomain(deps, memory);
  if (!(await placesAreAnothers(deps, memory))) {
    if (!keepDisk) await deps.builder.removeDisk(name);
    await deps.builder.removeSeed(name);
  }
  const { ipAddress, ipv6Address, createdAtUnix, nftTokenId } = details;
  if (nftTokenId !== undefined)
    await deps.records.unregister({ name, ipAddress, ipv6Address, createdAtUnix, nftTokenId });
  await deps.journal.append([{ kind: 'create-undone', uuid, why }]);
};

/** Takes back a create that was broken off, unless somebody is at work on that name again: then it is his business. */
export const undoCreate = async (deps: Deps, memory: MachineMemory): Promise<void> => {
  try {
    await deps.locks.withCreate(memory.name, { waitMs: 0 }, async () => {
      const now = (await deps.journal.refresh()).machines[memory.uuid];
      if (now?.phase === 'creating') await undoUnderLock(deps, now, 'its create was broken off');
    });
  } catch (error) {
    if (!(error instanceof LockBusyError)) throw error;
  }
};
