import { createRandom } from '../../src/simulator/random.ts';
import { verdictOn, withPlanting } from './planted.ts';
import { PLANTS, type Plant } from './plants.ts';
import type { Occasion, Row } from './row.ts';

/** So many of them, drawn by the seed, in their order. */
export const samplePlants = (seed: number, size: number): readonly Plant[] => {
  const random = createRandom(seed);
  const drawn = PLANTS.map((plant) => ({ plant, rank: random.next() })).sort((a, b) => a.rank - b.rank);
  const chosen = new Set(drawn.slice(0, size).map(({ plant }) => plant));
  return PLANTS.filter((plant) => chosen.has(plant));
};

/** Plants the faults and says which were seen; one that was not is a shortfall of the simulator's, not a harm done. */
export const catchPlants = async (
  { progress, signal }: Occasion,
  plants: readonly Plant[],
  forText: string,
): Promise<Row> => {
  const told = await withPlanting({ forText, signal }, async (plant) => {
    const lines: { readonly line: string; readonly caught: boolean }[] = [];
    for (const one of plants) {
      if (signal.aborted) break;
      const caught = await plant(one.edits);
      const line = verdictOn(one, caught, forText);
      progress(line);
      lines.push({ line, caught: caught !== undefined });
    }
    return lines;
  });
  const caught = told.filter((one) => one.caught).length;
  return {
    what: 'planted faults',
    figure: `${caught} of ${plants.length} caught${plants.length < PLANTS.length ? ` (of ${PLANTS.length} that there are)` : ''}`,
    wanted: 'all',
    verdict: caught === plants.length ? 'ok' : caught === 0 ? 'BROKEN' : 'short',
    notes: told.filter((one) => !one.caught).map(({ line }) => line),
  };
};
