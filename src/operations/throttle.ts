import { isOn } from '../domain/domain-state.ts';
import { BlockhostError, explain } from '../domain/errors.ts';
import type { Limits } from '../domain/journal/memory.ts';
import { type AskedLimits, changeLimits, LIMIT_NAMES } from '../domain/limits.ts';
import type { Deps } from './deps.ts';
import { requireNotHeld } from './explicit/operator-words.ts';
import { findOwnDomain } from './find-own-domain.ts';
import { setLimits } from './set-limits.ts';

type ThrottleDeps = Pick<Deps, 'hypervisor' | 'journal' | 'ownDirectories' | 'records' | 'locks' | 'log' | 'clock'>;

const LOCK_WAIT_MS = 20_000;

/** What became of a request. */
export interface Throttled {
  /** One line for each limit that changed. */
  readonly changes: readonly string[];
  /** False where the machine is off: they come into force at its next start. */
  readonly inForce: boolean;
}

/** Puts back what was in force, and what was wanted, before a request that could not be carried out. */
const putBack = async (
  deps: ThrottleDeps,
  uuid: string,
  before: { readonly inForce: Limits; readonly wanted: Limits | undefined },
): Promise<void> => {
  const { inForce, wanted } = before;
  try {
    await deps.hypervisor.limit(uuid, inForce);
  } catch (error) {
    deps.log.error({ uuid, why: explain(error) }, 'limits not put back');
  }
  await deps.journal.append([
    wanted === undefined ? { kind: 'limits-forgotten', uuid } : { kind: 'limits-set', uuid, limits: wanted },
  ]);
};

/**
 * Changes the wanted limits of a machine and sets them if it runs. All or nothing: where one cannot be set, those before it are put
 * back and none stays stored. They are stored first: whenever the machine is found running without them, the daemon sets them.
 */
export const throttle = async (
  deps: ThrottleDeps,
  name: string,
  asked: AskedLimits,
  { reset }: { readonly reset: boolean },
): Promise<Throttled> => {
  // Nothing asked is nothing to refuse, whoever is meant and whatever answers (contract §2).
  if (!reset && LIMIT_NAMES.every((limit) => asked[limit] === undefined)) return { changes: [], inForce: true };
  const { uuid } = (await findOwnDomain(deps, name)).domain;
  return deps.locks.withMachine(uuid, { waitMs: LOCK_WAIT_MS }, async () => {
    const memory = (await deps.journal.refresh()).machines[uuid];
    if (memory === undefined) throw notKnownYet(name);
    requireNotHeld(memory, deps.clock.nowUnixMs());
    const { limits, changes } = changeLimits(memory.limits ?? {}, asked, reset);
    const now = await deps.hypervisor.look(uuid);
    const runs = now !== 'absent' && isOn(now);
    await deps.journal.append([{ kind: 'limits-set', uuid, limits }]);
    try {
      if (runs) await setLimits(deps, uuid, limits);
    } catch (error) {
      if (runs) await putBack(deps, uuid, { inForce: now.limits ?? {}, wanted: memory.limits });
      throw error;
    }
    return { changes, inForce: runs };
  });
};

const notKnownYet = (name: string): BlockhostError =>
  new BlockhostError(`${name} is not in the journal yet, where its limits would be kept`, {
    code: 'machine-not-adopted',
    retryable: true,
    hint: 'a running daemon adopts it within minutes; start it with `systemctl start blockhost-provisioner`',
  });
