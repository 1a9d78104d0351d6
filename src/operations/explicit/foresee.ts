import { decide } from '../../domain/decide.ts';
import type { Uuid } from '../../domain/identity.ts';
import { foldJournal } from '../../domain/journal/fold.ts';
import type { Observation } from '../../domain/observation.ts';
import type { Plan } from '../../domain/plan.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Journal } from '../../ports/journal.ts';
import { intentOf } from '../act.ts';
import { choreEvents } from '../chores.ts';
import type { Deps } from '../deps.ts';
import type { Fleet } from '../fleet.ts';
import { createMutex } from '../mutex.ts';
import { assemble, readHost } from '../observe.ts';
import { observeDeep } from '../observe-deep.ts';

/** Upkeep that leads to a step: adoption, then the step. */
const ROUNDS = 4;

/** A journal that begins where the real one is, and of which nothing reaches the disk. */
export const shadowOf = (journal: Journal, clock: Clock): Journal => {
  let state = journal.state();
  return {
    state: () => state,
    refresh: async () => state,
    append: async (events) => {
      for (const event of events) state = foldJournal(state, event, clock.nowUnixMs());
      return state;
    },
  };
};

export interface Foreseen {
  readonly uuid: Uuid;
  readonly plan: Plan;
  readonly observation: Observation;
}

/** Harm that was refused, and becoming suspended without a step, are decisions of their own: they are not looked past. */
const isDecision = ({ plan }: Foreseen): boolean =>
  plan.row.includes('/') || plan.chores.some(({ chore }) => chore === 'note-suspended');

/**
 * What the daemon would do to a machine now: the very same observation, decision and admission, over a shadow of the
 * journal, so that decisions of one run count for the breaker as they would (L10), and nothing is done.
 */
export const createForesight = (deps: Deps, fleet: Fleet) => {
  const shadow: Deps = { ...deps, journal: shadowOf(deps.journal, deps.clock) };
  const admission = createMutex();

  const settle = (uuid: Uuid, reading: Parameters<typeof assemble>[4]): Promise<Foreseen & { settled: boolean }> =>
    admission(async () => {
      const observation = assemble(shadow, fleet, uuid, await readHost(shadow, fleet, uuid), reading);
      const plan = decide(observation, shadow.policy);
      const events = [
        ...choreEvents(plan.chores, observation),
        ...(plan.step ? [intentOf(shadow, uuid, plan, plan.step)] : []),
      ];
      await shadow.journal.append(events);
      return { uuid, plan, observation, settled: plan.step !== undefined || events.length === 0 };
    });

  return async (uuid: Uuid): Promise<Foreseen> => {
    let seen: Foreseen | undefined;
    for (let round = 0; round < ROUNDS; round += 1) {
      const { reading } = await observeDeep(shadow, fleet, uuid);
      const now = await settle(uuid, reading);
      if (now.settled || isDecision(now)) return now;
      seen = now;
    }
    return seen as Foreseen;
  };
};
