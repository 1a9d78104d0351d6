import type { MachineMemory } from '../domain/journal/memory.ts';
import type { Deps } from './deps.ts';
import { rollOf } from './roll.ts';

/** Machines that have what they are known by. */
export const LIVING: ReadonlySet<MachineMemory['phase']> = new Set(['creating', 'present', 'destroying', 'restoring']);

/** Who has an address of a machine that was away. */
export interface Holder {
  readonly name: string;
  /** A create that is not committed: it may yet be undone. */
  readonly mayVanish: boolean;
}

/** Who has that address of the machine now: in the journal, or in a live record that no machine of ours is behind. */
export const holderOf = async (deps: Deps, memory: MachineMemory, address: string): Promise<Holder | undefined> => {
  if (address === '') return undefined;
  const others = rollOf(deps.journal.state().machines).withAddress(address);
  const machine = others.find(({ uuid, phase }) => uuid !== memory.uuid && LIVING.has(phase));
  if (machine !== undefined) return { name: machine.name, mayVanish: machine.phase === 'creating' };
  const record = (await deps.records.list()).find(
    ({ name, status, ipAddress, ipv6Address }) =>
      name !== memory.name && status !== 'destroyed' && (ipAddress === address || ipv6Address === address),
  );
  return record && { name: record.name, mayVanish: false };
};
