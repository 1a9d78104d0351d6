import { type Act, BABBLES, HOSTILE_EXPIRIES } from '../scenario/schema.ts';
import { atEachMoment } from './at-each-moment.ts';
import type { Campaign } from './campaign.ts';
import { BRISK, withActs } from './life.ts';

const MINUTE = 60_000;

type Kind = readonly [what: string, acts: (at: number) => readonly Act[]];

/** Values that no contract of ours gives, answers that no node should, and lines that no libvirt prints (C3, C7, L3). */
export const hostileData: Campaign = {
  name: 'hostile-data',
  about: 'maximal and malformed values from the chain, answers that are none, and event lines of a megabyte',
  cases: async () => {
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
    return atEachMoment(BRISK, ({ name, atMs }, life) =>
      kinds.map(([what, make]) => ({
        name: `${what} ${name}`,
        scenario: () => withActs(life, make(atMs)),
        gauge: () => ({ invariants: [], figure: ({ heapMiB }: { heapMiB: number }) => `${heapMiB} MiB of heap` }),
      })),
    );
  },
};
