import type { Act } from '../scenario/schema.ts';
import { atEachMoment } from './at-each-moment.ts';
import type { Campaign } from './campaign.ts';
import { type LifePace, withActs } from './life.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** An hour of a patient host is what a minute is to a brisk one: an outage of a day meets it in the middle of its life. */
const PACE: LifePace = {
  unitMs: MINUTE,
  blockMs: MINUTE,
  pollEveryMs: 5 * MINUTE,
  sweepEveryMs: 60 * MINUTE,
  tickMs: 30_000,
  nodes: 3,
  safeBlocks: 2,
  finalizedBlocks: 6,
};

const away = (at: number, nodes: readonly number[], is: 'refused' | 'hang' | 'http-500'): readonly Act[] =>
  nodes.map((node) => ({ at, do: 'node', node, is, forMs: DAY }));

const KINDS = {
  'all refuse': (at: number) => away(at, [0, 1, 2], 'refused'),
  'all hang': (at: number) => away(at, [0, 1, 2], 'hang'),
  'two of three refuse': (at: number) => away(at, [0, 1], 'refused'),
  'two of three fail': (at: number) => away(at, [1, 2], 'http-500'),
  'one of three hangs': (at: number) => away(at, [0], 'hang'),
  'one of three refuses': (at: number) => away(at, [2], 'refused'),
} as const;

/** Endpoints that are away for a day, begun at every phase and step (L3, C5, C12). */
export const outages: Campaign = {
  name: 'outages',
  about: 'endpoints away for 24 hours: all, some and one of three, begun at every phase and step',
  cases: () =>
    atEachMoment(PACE, ({ name, atMs }, life) =>
      Object.entries(KINDS).map(([kind, acts]) => ({
        name: `${kind} ${name}`,
        scenario: () => withActs(life, acts(atMs)),
      })),
    ),
};
