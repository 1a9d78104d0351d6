import { HypervisorError } from '../domain/errors.ts';
import type { MachineMemory } from '../domain/journal/memory.ts';
import type { Deps } from './deps.ts';
import { changeRoute } from './host-route.ts';
import { rollOf } from './roll.ts';

const addressTaken = (deps: Deps, memory: MachineMemory): string | undefined => {
  const { ipAddress, ipv6Address } = memory.details;
  const roll = rollOf(deps.journal.state().machines);
  const holders = [...roll.withAddress(ipAddress), ...roll.withAddress(ipv6Address)];
  return holders.find(({ uuid, phase }) => uuid !== memory.uuid && phase === 'present')?.name;
};

/**
 * Puts a machine together again, same UUID, same disk, same address: out of quarantine, or out of a destroy that had only
 * begun (C11). Its record and addresses follow by upkeep. It is not started here: that is the next decision.
 */
export const restoreMachine = async (deps: Deps, memory: MachineMemory): Promise<void> => {
  const holder = addressTaken(deps, memory);
  if (holder !== undefined) {
    throw new HypervisorError(`${holder} has the address of ${memory.name} now`, {
      code: 'address-taken',
      retryable: false,
      hint: `give ${holder} another address, then acknowledge ${memory.name}`,
    });
  }
  const dossier = await deps.quarantine.dossier(memory.uuid);
  const there = (await deps.hypervisor.look(memory.uuid)) !== 'absent';
  if (dossier === undefined && !there) {
    throw new HypervisorError(`nothing was kept of ${memory.name}`, { code: 'no-dossier', retryable: false });
  }
  if (dossier) await deps.quarantine.moveOut(memory.uuid);
  if (dossier && !there) await deps.hypervisor.define(dossier.definition);
  await deps.hypervisor.refreshPools();
  await changeRoute(deps, 'add', { name: memory.name, ipv6: memory.details.ipv6Address });
  await deps.journal.append([{ kind: 'restored', uuid: memory.uuid }]);
  await deps.quarantine.forget(memory.uuid);
};
