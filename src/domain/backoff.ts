import type { Policy } from './policy.ts';

/** A fraction in [0.5, 1) that depends on who asks and how often: jitter that a pure function can have (L8). */
const spread = (uuid: string, count: number): number => {
  let hash = 2166136261;
  for (const char of `${uuid}:${count}`) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619);
  return 0.5 + ((hash >>> 0) % 1024) / 2048;
};

/**
 * When the pause after the latest failure ends: doubling from the first pause, capped, spread over machines. A failure that
 * lies ahead of the clock says that the clock was set back: its pause is over, else it would last as long as the jump (C9).
 */
export const backoffEndsUnixMs = (
  uuid: string,
  failure: { readonly count: number; readonly lastUnixMs: number },
  policy: Policy,
  nowUnixMs: number,
): number => {
  if (failure.lastUnixMs > nowUnixMs) return nowUnixMs;
  const fullMs = Math.min(policy.backoffMaxMs, policy.backoffFirstMs * 2 ** Math.min(failure.count, 30));
  return failure.lastUnixMs + Math.round(fullMs * spread(uuid, failure.count));
};
