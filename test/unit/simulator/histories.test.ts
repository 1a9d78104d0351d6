import { describe, expect, it } from 'vitest';
import { play } from '../../../src/simulator/play/play.ts';
import { createRandom } from '../../../src/simulator/random.ts';
import { generate } from '../../../src/simulator/scenario/generate.ts';
import { scenarioSchema } from '../../../src/simulator/scenario/schema.ts';

/**
 * Seeds that everybody plays; with SIM_FRESH=2 two that nobody has played yet, drawn again by SIM_SEED. Of fresh ones some are
 * known to break an invariant that does not say what is meant: `npm run sim` shows them, and a change is not held up by them.
 */
const FIXED = [2, 3, 12] as const;
const drawnFrom = Number(process.env.SIM_SEED ?? Date.now() % 0xffff_ffff);
const fresh = createRandom(drawnFrom);
const seeds: readonly number[] = [
  ...FIXED,
  ...Array.from({ length: Number(process.env.SIM_FRESH ?? 0) }, () => fresh.int(0, 0xffff_ffff)),
];

describe('whole histories of the daemon on its models', () => {
  it('break no invariant (L1-L12, C1-C14)', { timeout: 300_000 }, async () => {
    for (const seed of seeds) {
      const { violations } = await play(generate(seed));
      expect(violations, `seed ${seed} of SIM_SEED=${drawnFrom}; one alone: npm run sim -- --seed ${seed}`).toEqual([]);
    }
  });

  it('are the same each time: one seed, one story', { timeout: 120_000 }, async () => {
    const [first, second] = [await play(generate(7), { story: true }), await play(generate(7), { story: true })];
    expect(first.story.length).toBeGreaterThan(20);
    expect(second.story).toEqual(first.story);
  });

  it('can be written down and read again', () => {
    for (const seed of [1, 2, 3]) {
      const scenario = generate(seed);
      expect(scenarioSchema.parse(JSON.parse(JSON.stringify(scenario)))).toEqual(scenario);
    }
  });
});
