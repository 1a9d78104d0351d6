import type { Act, HostScenario, Scenario } from '../scenario/schema.ts';

/** The unit that all of a life's times are counted in: a brisk host lives in seconds, a patient one in minutes. */
export interface LifePace {
  readonly unitMs: number;
  readonly blockMs: number;
  readonly pollEveryMs: number;
  readonly sweepEveryMs: number;
  readonly tickMs: number;
  readonly nodes: number;
  readonly safeBlocks: number;
  readonly finalizedBlocks: number;
}

/** A host whose life is played second by second. */
export const BRISK: LifePace = {
  unitMs: 1000,
  blockMs: 6000,
  pollEveryMs: 8000,
  sweepEveryMs: 300_000,
  tickMs: 1000,
  nodes: 2,
  safeBlocks: 2,
  finalizedBlocks: 6,
};

/** How the machines of a life are called in it, by their numbers. */
const WHO = { quits: 0, paysAgain: 1, paysLate: 2, sells: 3, crashes: 4, deaf: 5, stopped: 6, ordered: 7 } as const;

const FOR_EVER = 300_000;

/**
 * One history in which every operation is met: machines that are bought, run out, are suspended, paid for again,
 * destroyed, brought back and purged, change hands, crash, are deaf, and are stopped, started and destroyed by their
 * operator.
 */
export const wholeLife = (pace: LifePace): Scenario => {
  const { unitMs, blockMs, finalizedBlocks } = pace;
  const at = (units: number): number => Math.round(units * unitMs);
  const seconds = (units: number): number => Math.round(at(units) / 1000);
  // The destruction waits for finality, which is the chain's and no matter of ours.
  const finality = (finalizedBlocks * blockMs) / unitMs;
  const graceUnits = 120;
  const quarantineUnits = 120;
  const goneAt = 60 + graceUnits + finality + 60;
  const host: HostScenario = {
    ...pace,
    machines: 8,
    paidForSeconds: [60, 60, 60, FOR_EVER, FOR_EVER, 60, FOR_EVER, FOR_EVER].map(seconds),
    graceMs: at(graceUnits),
    quarantineMs: at(quarantineUnits),
    suspendMode: 'shutdown',
    onOwnerStop: 'stay',
    libvirtMs: 900,
    answerMs: 0,
    lastsMs: at(goneAt + quarantineUnits + 120),
  };
  const acts: Act[] = [
    { at: at(1), do: 'manners', machine: WHO.deaf, are: 'stuck' },
    { at: at(10), do: 'buy', seconds: seconds(FOR_EVER) },
    // Another one, since a create may be killed under its engine.
    { at: at(25), do: 'buy', seconds: seconds(FOR_EVER) },
    { at: at(20), do: 'transfer', machine: WHO.sells, to: 3 },
    { at: at(30), do: 'crash', machine: WHO.crashes },
    { at: at(35), do: 'crash', machine: WHO.crashes },
    { at: at(40), do: 'operator', machine: WHO.stopped, says: 'stop' },
    { at: at(50), do: 'operator', machine: WHO.ordered, says: 'destroy' },
    { at: at(120), do: 'operator', machine: WHO.stopped, says: 'start' },
    { at: at(150), do: 'extend', machine: WHO.paysAgain, seconds: seconds(FOR_EVER) },
    { at: at(goneAt + quarantineUnits / 2), do: 'extend', machine: WHO.paysLate, seconds: seconds(FOR_EVER) },
  ];
  return { seed: 1, host, acts };
};

/** The same history with more in it. */
export const withActs = (scenario: Scenario, more: readonly Act[]): Scenario => ({
  ...scenario,
  acts: [...scenario.acts, ...more].sort((a, b) => a.at - b.at),
});
