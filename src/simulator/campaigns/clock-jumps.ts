import type { Campaign } from './campaign.ts';
import { type LifePace, wholeLife, withActs } from './life.ts';
import { momentsOf } from './moments.ts';

const HOUR = 3_600_000;

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

const JUMPS = { 'three hours': 3 * HOUR, 'thirty days': 30 * 24 * HOUR } as const;
const SOON_MS = 120_000;

/** The wall clock is set, forwards and backwards, at every phase and step; it comes back, or stays wrong (C9, C14). */
export const clockJumps: Campaign = {
  name: 'clock-jumps',
  about: 'the wall clock jumps 3 hours and 30 days, both ways, at every phase and step, and comes back or does not',
  cases: async () => {
    const life = wholeLife(PACE);
    const moments = await momentsOf(life);
    return moments.flatMap(({ name, atMs }) =>
      Object.entries(JUMPS).flatMap(([far, ms]) =>
        [1, -1].flatMap((sign) =>
          [false, true].map((stays) => ({
            name: `${far} ${sign > 0 ? 'forwards' : 'backwards'} ${stays ? 'for good' : 'and back'} ${name}`,
            scenario: () =>
              withActs(life, [
                // For good: until everything is made well again, at the end.
                {
                  at: atMs,
                  do: 'clock-jumps',
                  byMs: sign * ms,
                  backAfterMs: stays ? life.host.lastsMs - atMs : SOON_MS,
                },
              ]),
          })),
        ),
      ),
    );
  },
};
