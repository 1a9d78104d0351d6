import { isOn } from '../domain/domain-state.ts';
import type { MachineMemory } from '../domain/journal/memory.ts';
import type { Deps } from './deps.ts';
import { destroyMachine } from './destroy.ts';

/** Power is taken at once: whoever ordered this does not want the guest's opinion. A qemu that hangs is killed. */
const powerOff = async (deps: Deps, uuid: string): Promise<void> => {
  for (const how of ['graceful', 'forced'] as const) {
    const domain = await deps.hypervisor.look(uuid);
    if (domain === 'absent' || !isOn(domain)) return;
    // Only the second attempt may fail: what the first one could not do is what the second one is for.
    await deps.hypervisor.powerOff(uuid, how).catch((error: unknown) => {
      if (how === 'forced') throw error;
    });
  }
};

/**
 * Carries out an explicit destroy (D14), from wherever it stands, and keeps nothing. It goes through quarantine for the
 * sake of one order of steps that is safe to cut off anywhere.
 */
export const destroyForGood = async (deps: Deps, memory: MachineMemory): Promise<void> => {
  if (memory.phase !== 'quarantined') {
    await powerOff(deps, memory.uuid);
    await destroyMachine(deps, memory);
  }
  await deps.quarantine.purge(memory.uuid);
  await deps.journal.append([{ kind: 'purged', uuid: memory.uuid }]);
};
