import { freeAddresses, macOf } from '../domain/allocation.ts';
import { isOn } from '../domain/domain-state.ts';
import { HypervisorError } from '../domain/errors.ts';
import type { MachineMemory } from '../domain/journal/memory.ts';
import { metadataOf } from '../domain/metadata-of.ts';
import type { NetworkCard } from '../ports/machine-builder.ts';
import type { Dossier } from '../ports/quarantine.ts';
import { type Holder, holderOf } from './address-holder.ts';
import type { Deps } from './deps.ts';
import { ALLOCATION_WAIT_MS, takenNow } from './taken-now.ts';

/*
 * INVARIANTS (D21)
 * - New addresses are chosen and journalled under the lock of the allocation, before anything is made with them; from then
 *   on they are the machine's, and whoever carries the restore on makes the same of it.
 * - To the guest's cloud-init it stays the same instance: a first boot would go through its owner's disk.
 */

const cardOf = ({ uuid, details }: MachineMemory): NetworkCard => ({
  mac: macOf(uuid),
  ipv4: details.ipAddress,
  ipv6: details.ipv6Address,
});

const refuse = (memory: MachineMemory, holder: Holder, why: string, retryable = false): never => {
  throw new HypervisorError(`${holder.name} has the address of ${memory.name} now${why}`, {
    code: 'address-taken',
    retryable,
    hint: `give ${holder.name} another address, then acknowledge ${memory.name}`,
  });
};

/** Only of a machine that we made do we know card and seed; one that somebody has started is no longer away. */
const refuseUnknown = async (
  deps: Deps,
  memory: MachineMemory,
  holder: Holder,
  dossier: Dossier | undefined,
): Promise<void> => {
  if (holder.mayVanish) refuse(memory, holder, ', by a create that may yet be undone', true);
  if (memory.details.base === undefined || dossier === undefined)
    return refuse(memory, holder, ', and how its guest gets another is not known here');
  if (!dossier.files.includes(deps.builder.placesOf(memory.name).seedDirectory))
    return refuse(memory, holder, ', and its cloud-init files were not kept');
  const domain = await deps.hypervisor.look(memory.uuid);
  if (domain !== 'absent' && isOn(domain)) refuse(memory, holder, ', and somebody has started it');
  deps.builder.readdressed(dossier.definition, cardOf(memory));
};

const chooseOthers = async (
  deps: Deps,
  memory: MachineMemory,
  dossier: Dossier | undefined,
): Promise<MachineMemory> => {
  const { uuid, name } = memory;
  const { ipAddress, ipv6Address } = memory.details;
  const holder4 = await holderOf(deps, memory, ipAddress);
  const holder6 = await holderOf(deps, memory, ipv6Address);
  const holder = holder4?.mayVanish ? holder4 : (holder6 ?? holder4);
  if (holder === undefined) return memory;
  await refuseUnknown(deps, memory, holder, dossier);
  const { ipv4 = '', ipv6 = '', problems } = freeAddresses(deps.pools, await takenNow(deps, new Set([uuid])));
  if (problems.length > 0) refuse(memory, holder, `: ${problems.join('; ')}`, true);
  // What nobody has stays: the less changes, the less its owner has to tell others.
  const now = { ipAddress: holder4 ? ipv4 : ipAddress, ipv6Address: holder6 ? ipv6 : ipv6Address };
  const state = await deps.journal.append([{ kind: 'readdressed', uuid, ...now }]);
  const from = { ipAddress, ipv6Address };
  deps.log.warn(
    { vm: name, uuid, from, to: now, holder: holder.name, rule: 'D21' },
    'comes back at another address: tell its owner',
  );
  return state.machines[uuid] ?? memory;
};

/** The machine with addresses that are its own: those it had, or others in place of what somebody else has by now. */
export const settleAddresses = async (
  deps: Deps,
  memory: MachineMemory,
  dossier: Dossier | undefined,
): Promise<MachineMemory> => {
  const { ipAddress, ipv6Address } = memory.details;
  const taken = (await holderOf(deps, memory, ipAddress)) ?? (await holderOf(deps, memory, ipv6Address));
  if (taken === undefined) return memory;
  return deps.locks.withAllocation({ waitMs: ALLOCATION_WAIT_MS }, async () => {
    const now = (await deps.journal.refresh()).machines[memory.uuid] ?? memory;
    return chooseOthers(deps, now, dossier);
  });
};

/** Its seed tells the guest of the addresses that it has come to; its files are in their places. */
export const renewSeed = (deps: Deps, memory: MachineMemory): Promise<void> =>
  deps.builder.renewNetwork(memory.name, deps.seeds.network(cardOf(memory)));

/** Defines it so that its addresses pass the filter, and says so in its metadata. */
export const defineElsewhere = async (deps: Deps, memory: MachineMemory, definition: string): Promise<void> => {
  await deps.hypervisor.define(deps.builder.readdressed(definition, cardOf(memory)));
  await deps.hypervisor.writeMetadata(memory.uuid, metadataOf(memory));
};

/** Throws (retryable) while the guest does not bear the addresses that it came back at. */
export const checkAddress = async (deps: Deps, { uuid, name, details }: MachineMemory): Promise<void> => {
  const { stdout } = await deps.agent.exec(uuid, ['ip', '-o', 'addr', 'show'], { timeoutMs: 10_000 });
  const held = new Set(stdout.split(/\s+/).map((word) => word.split('/')[0]));
  const lacking = [details.ipAddress, details.ipv6Address].filter((address) => address !== '' && !held.has(address));
  if (lacking.length === 0) return;
  throw new HypervisorError(`${name} came back at ${lacking.join(' and ')}, and its guest has not taken that`, {
    code: 'guest-elsewhere',
    retryable: true,
    hint: 'set it inside the guest; its cloud-init did not read its network anew',
  });
};
