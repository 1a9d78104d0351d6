import { isOn } from '../domain/domain-state.ts';
import type { MachineMemory } from '../domain/journal/memory.ts';
import { type Authority, serve } from './authority.ts';
import type { Deps } from './deps.ts';
import { destroyMachine, keepRemains } from './destroy.ts';
import { purgeMachine } from './purge.ts';

const ORDER: Authority = { kind: 'order' };

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

/** In quarantine there is no domain; one that somebody defined again goes, too. */
const removeReturned = async (deps: Deps, uuid: string): Promise<void> => {
  if ((await deps.hypervisor.look(uuid)) === 'absent') return;
  await powerOff(deps, uuid);
  await deps.hypervisor.undefine(uuid);
};

/**
 * Carries out an explicit destroy (D14), from wherever it stands, and keeps nothing. It goes through quarantine for the
 * sake of one order of steps that is safe to cut off anywhere; of a machine whose domain is gone, what the journal
 * remembers goes. Base images are nobody's own, and are never touched.
 */
export const destroyForGood = async (deps: Deps, memory: MachineMemory): Promise<void> => {
  await serve(deps, memory, 'destroy', ORDER);
  if (memory.phase === 'quarantined') {
    await removeReturned(deps, memory.uuid);
  } else {
    await powerOff(deps, memory.uuid);
    await keepRemains(deps, memory);
    await destroyMachine(deps, memory, ORDER);
  }
  await purgeMachine(deps, memory, ORDER);
};
