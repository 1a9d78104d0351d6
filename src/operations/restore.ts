import { HypervisorError } from '../domain/errors.ts';
import type { MachineMemory } from '../domain/journal/memory.ts';
import { LIVING } from './address-holder.ts';
import type { Deps } from './deps.ts';
import { changeRoute } from './host-route.ts';
import { defineElsewhere, renewSeed, settleAddresses } from './readdress.ts';
import { rollOf } from './roll.ts';

/** A successor under its name has its places, too; one whose create is not committed may yet vanish. */
const refuseTakenName = (deps: Deps, memory: MachineMemory): void => {
  const others = rollOf(deps.journal.state().machines)
    .named(memory.name)
    .filter(({ uuid, phase }) => uuid !== memory.uuid && LIVING.has(phase));
  const [other] = others;
  if (other === undefined) return;
  throw new HypervisorError(`another machine is called ${memory.name} now (${other.phase})`, {
    code: 'name-taken',
    retryable: other.phase === 'creating',
    hint: `decide by hand which of the two is to live, then acknowledge ${memory.uuid}`,
  });
};

/**
 * Puts a machine together again, same UUID, same disk, and same address unless another has that by now: out of quarantine,
 * or out of a destroy that had only begun (C11). Its record and address lists follow by upkeep. It is not started here:
 * that is the next decision.
 */
export const restoreMachine = async (deps: Deps, remembered: MachineMemory): Promise<void> => {
  const { uuid, name } = remembered;
  refuseTakenName(deps, remembered);
  const dossier = await deps.quarantine.dossier(uuid);
  const there = (await deps.hypervisor.look(uuid)) !== 'absent';
  if (dossier === undefined && !there) {
    throw new HypervisorError(`nothing was kept of ${name}`, { code: 'no-dossier', retryable: false });
  }
  const memory = await settleAddresses(deps, remembered, dossier);
  const elsewhere = memory.formerAddresses?.stage === 'chosen';
  if (dossier) await deps.quarantine.moveOut(uuid);
  if (dossier && elsewhere) await renewSeed(deps, memory);
  if (dossier && elsewhere) await defineElsewhere(deps, memory, dossier.definition);
  else if (dossier && !there) await deps.hypervisor.define(dossier.definition);
  await deps.hypervisor.refreshPools();
  await changeRoute(deps, 'add', { name, ipv6: memory.details.ipv6Address });
  await deps.journal.append([{ kind: 'restored', uuid }]);
  await deps.quarantine.forget(uuid);
};
