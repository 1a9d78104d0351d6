import { decide } from '../domain/decide.ts';
import type { Uuid } from '../domain/identity.ts';
import type { Observation } from '../domain/observation.ts';
import type { Plan, Step } from '../domain/plan.ts';
import type { Warrant } from '../domain/warrant/warrant.ts';
import { act, intentOf } from './act.ts';
import type { Authority } from './authority.ts';
import { choreEvents, doChores } from './chores.ts';
import type { Deps } from './deps.ts';
import type { Fleet } from './fleet.ts';
import { createMutex } from './mutex.ts';
import { assemble, type ChainReading, type HostReading, readChain, readHost } from './observe.ts';
import { observeDeep } from './observe-deep.ts';

/*
 * INVARIANTS
 * - Only what was decided under the machine's lock, from a host reading taken under it, is done (L5, D26).
 * - The intent is in the journal before the step, its outcome after it (L4). A journal that cannot be written stops both.
 * - Harm is admitted one machine at a time, so that the breaker's count can never be overtaken (L10).
 */

/** How often one look may lead to another at once: each step changes what is seen, and no chain of steps is longer. */
const ROUNDS_MAX = 12;
const LOCK_WAIT_MS = 20_000;
/** Steps after which the machine is somewhere else. */
const MOVES_THE_MACHINE: ReadonlySet<Step['do']> = new Set(['destroy', 'restore', 'purge']);

export interface Round {
  readonly plan: Plan;
  readonly observation: Observation;
  /** Something was done, so it is worth looking again at once. */
  readonly acted: boolean;
}

/** For those who want less than the daemon does. */
export interface ReconcileOptions {
  /** One look leads to at most so many rounds. */
  readonly roundsMax?: number;
  /** Steps that may be taken here; all where it is left out. */
  readonly mayDo?: (uuid: Uuid, step: Step) => boolean;
}

const isIdle = (plan: Plan): boolean => plan.step === undefined && plan.chores.length === 0;

/**
 * Looks at one machine and does what is due: at most one step and its upkeep. The chain is read before the lock is
 * taken, the host under it; what is decided under the lock counts.
 */
export const createReconcile = (deps: Deps, fleet: Fleet, { roundsMax = ROUNDS_MAX, mayDo }: ReconcileOptions = {}) => {
  const admission = createMutex();
  /** What this caller may not do is left to others, as if it had not been found out. */
  const decideHere = (observation: Observation): Plan => {
    const { step, ...plan } = decide(observation, deps.policy);
    return step && (mayDo?.(observation.uuid, step) ?? true) ? { ...plan, step } : plan;
  };

  const warrantFor = (facts: Observation): Warrant => ({ code: deps.code, policy: deps.policy, facts });

  /** Everything anew, for whoever serves a warrant (C5, L5); the caller holds the machine's lock. */
  const lookAgain = async (uuid: Uuid): Promise<Observation> => {
    await deps.journal.refresh();
    const host = await readHost(deps, fleet, uuid);
    return assemble(deps, fleet, uuid, host, await readChain(deps, fleet, uuid, host, 'with-witnesses'));
  };

  const authorityOf = (uuid: Uuid, facts: Observation): Authority => ({
    kind: 'warrant',
    warrant: warrantFor(facts),
    lookAgain: () => lookAgain(uuid),
  });

  /** One append for upkeep and intent together: a crash leaves both or neither. */
  const settle = (uuid: Uuid, host: HostReading, reading: ChainReading): Promise<Round> =>
    admission(async () => {
      const observation = assemble(deps, fleet, uuid, host, reading);
      const plan = decideHere(observation);
      const events = [
        ...choreEvents(plan.chores, observation),
        ...(plan.step ? [intentOf(deps, uuid, plan, plan.step, warrantFor(observation))] : []),
      ];
      if (events.length > 0) await deps.journal.append(events);
      return { plan, observation, acted: !isIdle(plan) };
    });

  const perform = async (uuid: Uuid, decided: Round): Promise<Round> => {
    const { plan, observation } = decided;
    if (plan.step) await act(deps, uuid, plan, plan.step, authorityOf(uuid, observation));
    // Upkeep was worked out for a machine that was there, or was not: what is right now, the next round will find.
    if (plan.step && MOVES_THE_MACHINE.has(plan.step.do)) return decided;
    try {
      await doChores(deps, plan.chores, { ...observation, memory: deps.journal.state().machines[uuid] });
      return decided;
    } catch (error) {
      // Records that cannot be written now are written later; they never hold back what the machine needs.
      deps.log.warn({ vm: observation.name, uuid, err: error }, 'upkeep failed');
      const lookAgainAtUnixMs = deps.clock.nowUnixMs() + deps.policy.backoffMaxMs / 10;
      return { ...decided, plan: { ...plan, lookAgainAtUnixMs }, acted: plan.step !== undefined };
    }
  };

  const round = async (uuid: Uuid, onRound: (round: Round) => void): Promise<Round> => {
    await deps.journal.refresh();
    const { reading, observation } = await observeDeep(deps, fleet, uuid);
    const glance = decideHere(observation);
    if (isIdle(glance)) {
      const idle = { plan: glance, observation, acted: false };
      onRound(idle);
      return idle;
    }
    return deps.locks.withMachine(uuid, { waitMs: LOCK_WAIT_MS }, async () => {
      await deps.journal.refresh();
      const host = await readHost(deps, fleet, uuid);
      const decided = await settle(uuid, host, reading);
      onRound(decided);
      return perform(uuid, decided);
    });
  };

  /** Rounds until nothing is left to do now; `onRound` hears of each decision before it is carried out. */
  return async (uuid: Uuid, onRound: (round: Round) => void): Promise<Round | undefined> => {
    let last: Round | undefined;
    for (let count = 0; count < roundsMax; count += 1) {
      last = await round(uuid, onRound);
      if (!last.acted) return last;
    }
    return last;
  };
};
export type Reconcile = ReturnType<typeof createReconcile>;
