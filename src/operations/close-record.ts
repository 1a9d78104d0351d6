import { explain } from '../domain/errors.ts';
import type { Uuid } from '../domain/identity.ts';
import type { MachineMemory } from '../domain/journal/memory.ts';
import type { Deps } from './deps.ts';
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

/** A route that could not be taken away leads nowhere: it is told, and holds nothing up. */
const removeRoute = async ({ hostRoutes, log }: Deps, ipv6: string, name: string): Promise<void> => {
  try {
    await hostRoutes.remove(ipv6);
  } catch (error) {
    log.warn({ vm: name, ipv6, why: explain(error), rule: 'D27' }, 'host route not removed');
  }
};

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
  if (free(ipv6Address) !== '') await removeRoute(deps, ipv6Address, name);
};
