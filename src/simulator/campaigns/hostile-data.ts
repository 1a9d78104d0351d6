import { type Act, BABBLES, HOSTILE_EXPIRIES } from '../scenario/schema.ts';
import type { Campaign } from './campaign.ts';
import { type LifePace, wholeLife, withActs } from './life.ts';
import { momentsOf } from './moments.ts';

const MINUTE = 60_000;

const PACE: LifePace = {
  unitMs: 1000,
  blockMs: 6000,
  pollEveryMs: 8000,
  sweepEveryMs: 300_000,
  tickMs: 1000,
  nodes: 2,
  safeBlocks: 2,
  finalizedBlocks: 6,
};

type Kind = readonly [what: string, acts: (at: number) => readonly Act[]];

/** Values that no contract of ours gives, answers that no node should, and lines that no libvirt prints (C3, C7, L3). */
export const hostileData: Campaign = {
  name: 'hostile-data',
  about: 'maximal and malformed values from the chain, answers that are none, and event lines of a megabyte',
  cases: async () => {
    const life = wholeLife(PACE);
    const moments = await momentsOf(life);
    const kinds: readonly Kind[] = [
      ...BABBLES.map(
        (says): Kind => [`a node says ${says}`, (at) => [{ at, do: 'babble', node: 1, says, forMs: 3 * MINUTE }]],
      ),
      ...HOSTILE_EXPIRIES.map(
        (is): Kind => [
          `an expiry is ${is}`,
          (at) => [0, 3, 6].map((machine): Act => ({ at, do: 'hostile-expiry', machine, is })),
        ],
      ),
      ['libvirt prints long lines', (at) => [{ at, do: 'long-lines', bytes: 1_000_000, count: 20 }]],
    ];
    return moments.flatMap(({ name, atMs }) =>
      kinds.map(([what, make]) => ({
        name: `${what} ${name}`,
        scenario: () => withActs(life, make(atMs)),
        gauge: () => ({ invariants: [], figure: ({ heapMiB }: { heapMiB: number }) => `${heapMiB} MiB of heap` }),
      })),
    );
  },
};
