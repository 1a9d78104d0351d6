import type { Scenario } from '../scenario/schema.ts';
import type { Case } from './campaign.ts';
import { type LifePace, wholeLife } from './life.ts';
import { type Moment, momentsOf } from './moments.ts';

/** The cases that `make` has for each moment of a whole life at that pace. */
export const atEachMoment = async (
  pace: LifePace,
  make: (moment: Moment, life: Scenario) => readonly Case[],
): Promise<readonly Case[]> => {
  const life = wholeLife(pace);
  const moments = await momentsOf(life);
  return moments.flatMap((moment) => make(moment, life));
};
