import { explain } from '../../domain/errors.ts';
import { type Fact, unknown } from '../../domain/fact.ts';
import type { Uuid } from '../../domain/identity.ts';
import type { Basis } from '../../domain/journal/event.ts';
import type { Observation } from '../../domain/observation.ts';
import { viewOf } from '../../domain/standing.ts';
import { upkeep } from '../../domain/upkeep.ts';
import type { Ground } from '../act.ts';
import { choreEvents, doChores } from '../chores.ts';
import type { Deps } from '../deps.ts';
import type { Fleet } from '../fleet.ts';
import { assemble, type ChainReading, readChain, readHost } from '../observe.ts';
import type { Explicit } from './context.ts';

const LOCK_WAIT_MS = 20_000;
/** A chain that is slower than this is unknown to a command: whoever called it waits. */
const CHAIN_PATIENCE_MS = 10_000;
/** Upkeep that follows from upkeep: what was noted is then written. */
const UPKEEP_ROUNDS = 3;

const unread = (deps: Deps, uuid: Uuid): ChainReading => {
  const memory = deps.journal.state().machines[uuid];
  const nowUnixMs = deps.clock.nowUnixMs();
  const silent: Fact<never> = unknown('the chain did not answer in time', nowUnixMs);
  const levels = { head: silent, safe: silent, finalized: silent };
  const view = { ...levels, witnesses: [], endpointsConfigured: 1, readAtUnixMs: nowUnixMs };
  const bound = memory?.machineClass.kind === 'bound';
  return { chain: bound ? { kind: 'view', view } : { kind: 'not-bound' }, candidate: undefined, login: undefined };
};

/** What the chain says of a machine at its head, read before any lock is taken (D26); unknown where it takes too long. */
export const readInTime = async ({ deps, fleet }: Explicit, uuid: Uuid): Promise<ChainReading> => {
  const patience = new AbortController();
  const late = deps.clock.sleep(CHAIN_PATIENCE_MS, patience.signal).then(
    () => unread(deps, uuid),
    () => unread(deps, uuid),
  );
  const host = await readHost(deps, fleet, uuid);
  const reading = await Promise.race([readChain(deps, fleet, uuid, host, 'head'), late]);
  patience.abort();
  return reading;
};

/** Runs `body` as the only one who works on this machine, with the journal as it is then (L2, L5). */
export const alone = <T>({ deps }: Explicit, uuid: Uuid, body: () => Promise<T>, waitMs = LOCK_WAIT_MS): Promise<T> =>
  deps.locks.withMachine(uuid, { waitMs }, async () => {
    await deps.journal.refresh();
    return body();
  });

export const observeNow = async (deps: Deps, fleet: Fleet, uuid: Uuid, reading: ChainReading): Promise<Observation> =>
  assemble(deps, fleet, uuid, await readHost(deps, fleet, uuid), reading);

/** Why a step of an explicit command is taken, in the form in which the journal keeps it (L9). */
export const groundOf = (deps: Deps, observation: Observation, row: string, because: string): Ground => {
  const head = viewOf(observation)?.head;
  const basis: Basis = {
    row,
    because,
    policyVersion: deps.policy.version,
    observedAtUnixMs: observation.nowUnixMs,
    ...(head?.known
      ? {
          expiresAtUnix: head.value.expiresAtUnix,
          blockNumber: head.value.atBlock.number,
          blockHash: head.value.atBlock.hash,
        }
      : {}),
  };
  return { row, because, basis };
};

/**
 * Brings journal, record and lists in line after a command, as the daemon would at its next look. Records that cannot be
 * written now are written then: that is told, and no failure.
 */
export const keepUp = async ({ deps, fleet, warn }: Explicit, uuid: Uuid, reading: ChainReading): Promise<void> => {
  try {
    for (let round = 0; round < UPKEEP_ROUNDS; round += 1) {
      const observation = await observeNow(deps, fleet, uuid, reading);
      const chores = upkeep(observation, deps.policy);
      if (chores.length === 0) return;
      const events = choreEvents(chores, observation);
      if (events.length > 0) await deps.journal.append(events);
      await doChores(deps, chores, { ...observation, memory: deps.journal.state().machines[uuid] });
    }
  } catch (error) {
    warn(`its record is brought in line later: ${explain(error)}`);
  }
};
