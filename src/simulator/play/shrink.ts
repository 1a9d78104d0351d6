import type { Scenario } from '../scenario/schema.ts';
import { play } from './play.ts';

export interface Shrunk {
  readonly scenario: Scenario;
  /** How many histories were played for it. */
  readonly plays: number;
}

const breaks = async (scenario: Scenario, invariant: string): Promise<boolean> =>
  (await play(scenario)).violations.some((violation) => violation.invariant === invariant);

/**
 * The shortest history that still breaks the same invariant, as far as leaving things out leads: acts in halves, then one
 * by one, then machines and the time after the break. `mayGoOn` bounds the effort.
 */
export const shrink = async (broken: Scenario, invariant: string, mayGoOn: () => boolean): Promise<Shrunk> => {
  let best = broken;
  let plays = 0;

  const attempt = async (candidate: Scenario): Promise<boolean> => {
    plays += 1;
    if (!(await breaks(candidate, invariant))) return false;
    best = candidate;
    return true;
  };

  const without = (from: number, count: number): Scenario => ({
    ...best,
    acts: [...best.acts.slice(0, from), ...best.acts.slice(from + count)],
  });

  for (let size = Math.max(1, best.acts.length >> 1); size >= 1 && mayGoOn(); size >>= 1) {
    for (let from = 0; from < best.acts.length && mayGoOn(); ) {
      if (!(await attempt(without(from, size)))) from += size;
    }
  }
  for (const machines of [1, 2, 3, best.host.machines >> 1]) {
    if (machines > 0 && machines < best.host.machines && mayGoOn()) {
      if (await attempt({ ...best, host: { ...best.host, machines } })) break;
    }
  }
  return { scenario: best, plays };
};
