import { DEFAULT_POLICY, type Policy } from '../../../src/domain/policy.ts';
import type { HostScenario } from '../../../src/simulator/scenario/schema.ts';

/**
 * The rules of the simulator allow for minutes where a host needs them; a life of the soak lasts two. So its time is told to
 * them as if it went faster: ten seconds are a minute.
 */
export const FASTER = 6;

export const GRACE_S = 40;
export const QUARANTINE_S = 25;
const POLL_MS = 500;
const SWEEP_MS = 5000;
const FRESH_S = 10;

/** `safe` is three blocks behind the head and `finalized` six. */
export const CHAIN = { blockTimeSeconds: 1, slotsInAnEpoch: 3 } as const;
/** Deeper would be below `finalized`, which waits for an operator (D23). */
export const DEEPEST_REORG = 5;

const SECONDS = {
  expiryMarginMs: 1,
  shutdownRepeatMs: 2,
  shutdownPatienceMs: 8,
  powerOffPatienceMs: 3,
  stopDebounceMs: 1,
  freshForHarmMs: FRESH_S,
  backoffMaxMs: 5,
} as const;

/** Only durations, and breakers that some dozens of lives in an hour do not trip. */
export const PROVISIONER_YAML = {
  poll_every: `${POLL_MS}ms`,
  request_timeout: '2s',
  sweep_every: `${SWEEP_MS}ms`,
  grace: `${GRACE_S}s`,
  quarantine: `${QUARANTINE_S}s`,
  policy: {
    expiry_margin: `${SECONDS.expiryMarginMs}s`,
    shutdown_repeat: `${SECONDS.shutdownRepeatMs}s`,
    shutdown_patience: `${SECONDS.shutdownPatienceMs}s`,
    power_off_patience: `${SECONDS.powerOffPatienceMs}s`,
    stop_debounce: `${SECONDS.stopDebounceMs}s`,
    fresh_for_harm: `${SECONDS.freshForHarmMs}s`,
    backoff_first: '500ms',
    backoff_max: `${SECONDS.backoffMaxMs}s`,
  },
  breaker: { suspend: { count: 1000 }, destroy: { count: 1000 } },
  mint: { confirmations: 2, stuck_after: '10s', give_up_after: '30s' },
} as const;

const scaled = (seconds: number): number => seconds * 1000 * FASTER;

/** The same, as the rules see it. */
export const SEEN_POLICY: Policy = {
  ...DEFAULT_POLICY,
  ...(Object.fromEntries(Object.entries(SECONDS).map(([key, seconds]) => [key, scaled(seconds)])) as {
    readonly [Key in keyof typeof SECONDS]: number;
  }),
  graceMs: scaled(GRACE_S),
  quarantineMs: scaled(QUARANTINE_S),
};

export const SEEN_HOST: HostScenario = {
  machines: 0,
  paidForSeconds: [0],
  nodes: 2,
  blockMs: scaled(CHAIN.blockTimeSeconds),
  safeBlocks: CHAIN.slotsInAnEpoch,
  finalizedBlocks: 2 * CHAIN.slotsInAnEpoch,
  pollEveryMs: POLL_MS * FASTER,
  sweepEveryMs: SWEEP_MS * FASTER,
  tickMs: 1000 * FASTER,
  graceMs: scaled(GRACE_S),
  quarantineMs: scaled(QUARANTINE_S),
  suspendMode: 'shutdown',
  onOwnerStop: 'stay',
  libvirtMs: 1000 * FASTER,
  answerMs: 1000,
  lastsMs: 0,
};
