import { decide } from '../domain/decide.ts';
import { BlockhostError, explain } from '../domain/errors.ts';
import type { Uuid } from '../domain/identity.ts';
import type { JournalEvent } from '../domain/journal/event.ts';
import { newOwner } from '../domain/login.ts';
import type { Observation } from '../domain/observation.ts';
import { HARM_OF, type Plan, type Step } from '../domain/plan.ts';
import { choreEvents, doChores } from './chores.ts';
import type { Deps } from './deps.ts';
import { depthNeeded } from './depth.ts';
import type { Fleet } from './fleet.ts';
import { createMutex } from './mutex.ts';
import { assemble, type ChainReading, type HostReading, readChain, readHost, readLogin } from './observe.ts';
import { performStep } from './steps.ts';

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

type Reading = { readonly reading: ChainReading; readonly observation: Observation };

const observeDeep = async (deps: Deps, fleet: Fleet, uuid: Uuid): Promise<Reading> => {
  const host = await readHost(deps, fleet, uuid);
  let reading = await readChain(deps, fleet, uuid, host, 'head');
  const first = assemble(deps, fleet, uuid, host, reading);
  const depth = depthNeeded(first, deps.policy);
  if (depth !== 'head') reading = await readChain(deps, fleet, uuid, host, depth);
  if (newOwner(first)) reading = { ...reading, login: await readLogin(deps, host, first.memory, 'with-witnesses') };
  return { reading, observation: assemble(deps, fleet, uuid, host, reading) };
};

const isIdle = (plan: Plan): boolean => plan.step === undefined && plan.chores.length === 0;

const intent = (deps: Deps, uuid: Uuid, plan: Plan, step: Step): JournalEvent => {
  const harm = HARM_OF[step.do];
  // A suspension or a destroy that has begun is one decision, however many steps it takes.
  const memory = deps.journal.state().machines[uuid];
  const begun = harm === 'suspend' ? memory?.suspending !== undefined : memory?.phase !== 'present';
  return { kind: 'intent', uuid, step: step.do, basis: plan.basis, ...(harm && !begun ? { harm } : {}) };
};

const act = async (deps: Deps, uuid: Uuid, plan: Plan, step: Step): Promise<void> => {
  const memory = deps.journal.state().machines[uuid];
  if (memory === undefined) return;
  const startedMs = deps.clock.monotonicMs();
  const fields = { vm: memory.name, uuid, step: step.do, row: plan.row };
  let failure: unknown;
  try {
    await performStep(deps, memory, step);
  } catch (error) {
    failure = error;
  }
  const durationMs = Math.round(deps.clock.monotonicMs() - startedMs);
  if (failure === undefined) {
    await deps.journal.append([{ kind: 'outcome', uuid, step: step.do, ok: true, durationMs }]);
    deps.log.info(
      { ...fields, durationMs, args: step, because: plan.because, block: plan.basis.blockNumber },
      'step done',
    );
    return;
  }
  const curable = failure instanceof BlockhostError ? failure.retryable : true;
  await deps.journal.append([
    { kind: 'outcome', uuid, step: step.do, ok: false, durationMs, error: explain(failure), curable },
  ]);
  deps.log[curable ? 'warn' : 'error']({ ...fields, durationMs, err: failure }, 'step failed');
};

/**
 * Looks at one machine and does what is due: at most one step and its upkeep. The chain is read before the lock is
 * taken, the host under it; what is decided under the lock counts.
 */
export const createReconcile = (deps: Deps, fleet: Fleet) => {
  const admission = createMutex();

  /** One append for upkeep and intent together: a crash leaves both or neither. */
  const settle = (uuid: Uuid, host: HostReading, reading: ChainReading): Promise<Round> =>
    admission(async () => {
      const observation = assemble(deps, fleet, uuid, host, reading);
      const plan = decide(observation, deps.policy);
      const events = [
        ...choreEvents(plan.chores, observation),
        ...(plan.step ? [intent(deps, uuid, plan, plan.step)] : []),
      ];
      if (events.length > 0) await deps.journal.append(events);
      return { plan, observation, acted: !isIdle(plan) };
    });

  const perform = async (uuid: Uuid, decided: Round): Promise<Round> => {
    const { plan, observation } = decided;
    if (plan.step) await act(deps, uuid, plan, plan.step);
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
    const glance = decide(observation, deps.policy);
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
    for (let count = 0; count < ROUNDS_MAX; count += 1) {
      last = await round(uuid, onRound);
      if (!last.acted) return last;
    }
    return last;
  };
};
export type Reconcile = ReturnType<typeof createReconcile>;
