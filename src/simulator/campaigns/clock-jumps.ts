import { atEachMoment } from './at-each-moment.ts';
import type { Campaign } from './campaign.ts';
import { BRISK, withActs } from './life.ts';

const HOUR = 3_600_000;

const JUMPS = { 'three hours': 3 * HOUR, 'thirty days': 30 * 24 * HOUR } as const;
const SOON_MS = 120_000;

/** The wall clock is set, forwards and backwards, at every phase and step; it comes back, or stays wrong (C9, C14). */
export const clockJumps: Campaign = {
  name: 'clock-jumps',
  about: 'the wall clock jumps 3 hours and 30 days, both ways, at every phase and step, and comes back or does not',
  cases: () =>
    atEachMoment(BRISK, ({ name, atMs }, life) =>
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
    ),
};
