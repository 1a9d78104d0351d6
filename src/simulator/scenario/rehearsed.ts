import type { Policy } from '../../domain/policy.ts';
import type { HostScenario, Scenario } from './schema.ts';

/** What an operator has configured, as far as a history can be played with it. */
export interface Rehearsal {
  readonly policy: Policy;
  readonly sweepEveryMs: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** A history that lasts longer takes too long to play; where grace and quarantine are longer, none sees their end. */
export const LONGEST_HISTORY_MS = 60 * DAY_MS;
/** From here on a host is looked at as one that lives for days is. */
const LONG_MS = 6 * 60 * MINUTE_MS;
/** Looks at everything that one history can afford. */
const MOST_SWEEPS = 300;
/** What happens within so short a time was meant to meet. */
const BURST_MS = 20_000;

/** The history as it is written, under the operator's policy. What makes machines (D13) is no part of a model host. */
export const underPolicy = (scenario: Scenario, { policy, sweepEveryMs }: Rehearsal): Scenario => {
  const { graceMs, quarantineMs, suspendMode, onOwnerStop } = policy;
  const host = { ...scenario.host, graceMs, quarantineMs, suspendMode, onOwnerStop, sweepEveryMs };
  return { ...scenario, host, policy: { ...policy, onMissing: 'report' } };
};

/** Later by the factor, except that what came in one burst stays together. */
const stretched = (acts: Scenario['acts'], factor: number): Scenario['acts'] => {
  let first = 0;
  return [...acts]
    .sort((a, b) => a.at - b.at)
    .map((act) => {
      if (act.at - first > BURST_MS) first = act.at;
      const at = Math.round(first * factor) + (act.at - first);
      const pays = act.do === 'extend' || act.do === 'buy';
      return pays ? { ...act, at, seconds: Math.round(act.seconds * factor) } : { ...act, at };
    });
};

/** Blocks never come so seldom that the age of the newest alone would freeze harm (C9). */
const paceOf = (host: HostScenario, lastsMs: number, { maxClockGapMs }: Policy): Partial<HostScenario> =>
  lastsMs < LONG_MS
    ? {}
    : {
        blockMs: Math.min(MINUTE_MS, Math.max(6000, Math.floor(maxClockGapMs / 2))),
        pollEveryMs: Math.max(host.pollEveryMs, 15 * MINUTE_MS),
        tickMs: 30_000,
      };

/**
 * A drawn history under the operator's policy, and stretched until grace and quarantine can end in it. How often the chain
 * is looked at is the history's own, and so is the sweep where days are played and the configured one is too frequent.
 */
export const rehearsed = (drawn: Scenario, rehearsal: Rehearsal): Scenario => {
  const scenario = underPolicy(drawn, rehearsal);
  const { policy } = rehearsal;
  const { host } = scenario;
  const lastsMs = Math.min(host.lastsMs + policy.graceMs + policy.quarantineMs, LONGEST_HISTORY_MS);
  const factor = lastsMs / host.lastsMs;
  return {
    ...scenario,
    host: {
      ...host,
      ...paceOf(host, lastsMs, policy),
      lastsMs,
      sweepEveryMs: Math.max(host.sweepEveryMs, Math.floor(lastsMs / MOST_SWEEPS)),
    },
    acts: stretched(scenario.acts, factor),
  };
};
