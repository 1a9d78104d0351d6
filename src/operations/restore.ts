import { HypervisorError } from '../domain/errors.ts';
import type { MachineMemory } from '../domain/journal/memory.ts';
import type { Deps } from './deps.ts';
import { changeRoute } from './host-route.ts';
import { rollOf } from './roll.ts';

const LIVING: ReadonlySet<MachineMemory['phase']> = new Set(['creating', 'present', 'destroying', 'restoring']);

/**
 * Who has its address now, in the journal or in a live record that no machine of ours is behind. The guest's network is
 * written inside its own disk, and cloud-init reads ours again only where it takes the disk for a new instance, with
 * everything that a first boot does to it: so there is no other address to give it.
 */
const addressTaken = async (deps: Deps, memory: MachineMemory): Promise<string | undefined> => {
  const { ipAddress, ipv6Address } = memory.details;
  const roll = rollOf(deps.journal.state().machines);
  const holders = [...roll.withAddress(ipAddress), ...roll.withAddress(ipv6Address)];
  const holder = holders.find(({ uuid, phase }) => uuid !== memory.uuid && LIVING.has(phase))?.name;
  if (holder !== undefined) return holder;
  const records = (await deps.records.list()).filter(
    ({ name, status }) => name !== memory.name && status !== 'destroyed',
  );
  return records.find(
    (record) =>
      (ipAddress !== '' && record.ipAddress === ipAddress) ||
      (ipv6Address !== '' && record.ipv6Address === ipv6Address),
  )?.name;
};

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
 * Puts a machine together again, same UUID, same disk, same address: out of quarantine, or out of a destroy that had only
 * begun (C11). Its record and addresses follow by upkeep. It is not started here: that is the next decision.
 */
export const restoreMachine = async (deps: Deps, memory: MachineMemory): Promise<void> => {
  refuseTakenName(deps, memory);
  const holder = await addressTaken(deps, memory);
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
