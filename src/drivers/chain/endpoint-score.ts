import type { Clock } from '../../ports/clock.ts';
import type { RpcFailure, RpcFault } from './rpc-failure.ts';

const COOL_DOWN_FIRST_MS = 1000;
const COOL_DOWN_MAX_MS = 60_000;
const RATE_LIMIT_MAX_MS = 5 * 60_000;
const PENALISED: readonly RpcFault[] = [
  'timeout',
  'unreachable',
  'rate-limited',
  'http',
  'garbage',
  'wrong-chain',
  'no-code',
  'stale',
  'ahead',
  'off-cursor',
];

/** How good an endpoint has been lately: freshness first, then latency; cooling down after faults (C12). */
export interface EndpointScore {
  head: bigint;
  latencyMs: number;
  failuresInRow: number;
  coolUntilMs: number;
  rateLimited: boolean;
}

export const newScore = (): EndpointScore => ({
  head: -1n,
  latencyMs: 0,
  failuresInRow: 0,
  coolUntilMs: Number.NEGATIVE_INFINITY,
  rateLimited: false,
});

/** It passed the sanity checks: fresh or not, fast or not. */
export const scoreLook = (score: EndpointScore, head: bigint, latencyMs: number): void => {
  score.head = head;
  score.latencyMs = score.latencyMs === 0 ? latencyMs : 0.7 * score.latencyMs + 0.3 * latencyMs;
};

/** It did all that was asked of it: only that ends its cooling down. */
export const scoreServed = (score: EndpointScore): void => {
  score.failuresInRow = 0;
  score.coolUntilMs = Number.NEGATIVE_INFINITY;
  score.rateLimited = false;
};

/** Full jitter within a window that doubles (L8); a `Retry-After` is honoured. */
export const scoreFailure = (score: EndpointScore, failure: RpcFailure, clock: Clock, random: () => number): void => {
  if (!PENALISED.includes(failure.fault)) return;
  score.failuresInRow += 1;
  score.rateLimited = failure.fault === 'rate-limited';
  const most = score.rateLimited ? RATE_LIMIT_MAX_MS : COOL_DOWN_MAX_MS;
  const windowMs = Math.min(most, COOL_DOWN_FIRST_MS * 2 ** Math.min(score.failuresInRow, 20));
  const pauseMs = failure.retryAfterMs ?? windowMs / 2 + random() * (windowMs / 2);
  score.coolUntilMs = clock.monotonicMs() + pauseMs;
};

/** Better first; an endpoint that cools down comes after all others, and one that asked for patience not at all. */
export const compareScores = (a: EndpointScore, b: EndpointScore, nowMs: number): number => {
  const cooling = Number(a.coolUntilMs > nowMs) - Number(b.coolUntilMs > nowMs);
  if (cooling !== 0) return cooling;
  if (a.head !== b.head) return a.head > b.head ? -1 : 1;
  return a.latencyMs - b.latencyMs;
};

export const mayBeAsked = (score: EndpointScore, nowMs: number): boolean =>
  !(score.rateLimited && score.coolUntilMs > nowMs);
