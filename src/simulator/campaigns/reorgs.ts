import { atEachMoment } from './at-each-moment.ts';
import type { Campaign } from './campaign.ts';
import { type LifePace, withActs } from './life.ts';

const DEEPEST = 64;

const PACE: LifePace = {
  unitMs: 1000,
  blockMs: 2000,
  pollEveryMs: 8000,
  sweepEveryMs: 300_000,
  tickMs: 1000,
  nodes: 2,
  safeBlocks: 3,
  finalizedBlocks: DEEPEST,
};

/** Reorgs of every depth above finality, at every phase and step, that keep what was in the blocks or lose it (C2, C6). */
export const reorgs: Campaign = {
  name: 'reorgs',
  about: `reorgs of 1 to ${DEEPEST} blocks at every phase and step of every operation`,
  cases: async () => {
    const depths = Array.from({ length: DEEPEST }, (_, index) => index + 1);
    return atEachMoment(PACE, ({ name, atMs }, life) =>
      depths.flatMap((depth) =>
        [true, false].map((keeps) => ({
          name: `${depth} blocks, ${keeps ? 'kept' : 'lost'}, ${name}`,
          scenario: () => withActs(life, [{ at: atMs, do: 'reorg', depth, keeps }]),
        })),
      ),
    );
  },
};
