import { createRandom } from '../random.ts';
import type { Act, Scenario } from '../scenario/schema.ts';
import type { Campaign, Case } from './campaign.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const YEARS = 130;

/** Hourly sweeps, hourly looks at the chain, and something that happens now and then: a payment, a crash, a restart. */
const idle = (seed: number, machines: number, days: number): Scenario => {
  const random = createRandom(seed);
  const rare = (): Act => {
    const at = random.int(0, days * DAY);
    const machine = random.int(0, machines - 1);
    return random.pick<Act>([
      { at, do: 'extend', machine, seconds: random.int(20, 90) * 86_400 },
      { at, do: 'crash', machine },
      { at, do: 'daemon-killed', forMs: HOUR },
      { at, do: 'power-cut', forMs: 600_000 },
      { at, do: 'transfer', machine, to: random.int(0, 9) },
    ]);
  };
  const acts = Array.from({ length: Math.ceil(days / 30) }, rare).sort((a, b) => a.at - b.at);
  return {
    seed,
    host: {
      machines,
      // Most are paid for throughout; the others run out one after the other.
      paidForSeconds: [400, 400, 60, 400, 150, 400, 250, 400, 400, 330].map((paidDays) => paidDays * 86_400),
      nodes: 2,
      blockMs: HOUR,
      safeBlocks: 1,
      finalizedBlocks: 2,
      pollEveryMs: HOUR,
      sweepEveryMs: HOUR,
      tickMs: 10 * 60_000,
      graceMs: 7 * DAY,
      quarantineMs: DAY,
      suspendMode: 'shutdown',
      onOwnerStop: 'stay',
      libvirtMs: 300,
      answerMs: 0,
      lastsMs: days * DAY,
    },
    acts,
  };
};

export const idleFor = (seed: number, machines: number, days: number): Case => ({
  name: `${machines} machines for ${days} days, seed ${seed}`,
  scenario: () => idle(seed, machines, days),
  gauge: () => ({
    invariants: [],
    figure: ({ machineDays, tookMs }) => `${Math.round(machineDays / (tookMs / 1000))} machine-days per second`,
  }),
});

/** Years in which next to nothing happens, a million machine-days of them (C14, L12). */
export const idleYears: Campaign = {
  name: 'idle-years',
  about: `${YEARS} years of 21 machines: hourly sweeps and months between events, a million machine-days`,
  cases: async () => Array.from({ length: YEARS }, (_, index) => idleFor(index + 1, 21, 366)),
};
