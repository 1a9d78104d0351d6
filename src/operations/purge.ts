import { HypervisorError } from '../domain/errors.ts';
import type { MachineMemory } from '../domain/journal/memory.ts';
import { type Authority, serve } from './authority.ts';
import type { Deps } from './deps.ts';
import { neededByOthers } from './needed-files.ts';

/**
 * Deletes for good what quarantine kept of a machine. Throws (retryable), and deletes nothing, while another domain's
 * disks read one of the files, or while that is unknown (L3).
 */
export const purgeMachine = async (
  deps: Deps,
  memory: MachineMemory,
  authority: Authority | undefined,
): Promise<void> => {
  const kept = await deps.quarantine.keptPaths(memory.uuid);
  const needed = await neededByOthers(deps, memory.uuid);
  const file = kept.find((path) => needed.has(path));
  if (file !== undefined) {
    throw new HypervisorError(`${file} of ${memory.name} is read by another machine's disk`, {
      code: 'file-in-use',
      retryable: true,
      hint: 'give that machine a disk of its own (`virsh blockpull`, `qemu-img rebase`); until then nothing is deleted',
    });
  }
  await serve(deps, memory, 'destroy', authority);
  await deps.quarantine.purge(memory.uuid);
  await deps.journal.append([{ kind: 'purged', uuid: memory.uuid }]);
};
