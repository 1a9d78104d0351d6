import type { Uuid } from '../domain/identity.ts';
import type { MachineMemory } from '../domain/journal/memory.ts';
import type { Deps } from './deps.ts';
import { changeRoute } from './host-route.ts';
import { rollOf } from './roll.ts';

/** What a machine that is destroyed gives back. */
export interface Leaving {
  /** Absent where the journal never knew it. */
  readonly uuid?: Uuid;
  readonly name: string;
  readonly ipAddress: string;
  readonly ipv6Address: string;
}

/** Machines that may still need what they are known by; one in quarantine has given it back already (D21). */
const STAYING: ReadonlySet<MachineMemory['phase']> = new Set(['creating', 'present', 'destroying', 'restoring']);

/**
 * Closes the record of a machine that is destroyed and gives its addresses back, with the host's route to it (D27); what
 * another machine bears by now is left to that one.
 */
export const closeRecordOf = async (deps: Deps, { uuid, name, ipAddress, ipv6Address }: Leaving): Promise<void> => {
  const roll = rollOf(deps.journal.state().machines);
  const isAnother = (memory: MachineMemory): boolean => memory.uuid !== uuid && STAYING.has(memory.phase);
  if (!roll.named(name).some(isAnother)) {
    const destroyedAtUnix = BigInt(Math.floor(deps.clock.nowUnixMs() / 1000));
    await deps.records.patch(name, { status: 'destroyed', destroyedAtUnix });
  }
  const free = (address: string): string => (roll.withAddress(address).some(isAnother) ? '' : address);
  await deps.records.releaseAddresses(free(ipAddress), free(ipv6Address));
  await changeRoute(deps, 'remove', { name, ipv6: free(ipv6Address) });
};
