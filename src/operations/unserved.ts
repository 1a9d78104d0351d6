import { subscriptionKey } from '../domain/identity.ts';
import type { SubscriptionSummary } from '../ports/chain.ts';
import type { Deps } from './deps.ts';
import type { Fleet } from './fleet.ts';

/**
 * Subscriptions that are paid for and have no machine, once they have been so for long enough to believe it (D13): a
 * create that is under way needs its time. An unreadable chain finds nothing missing.
 */
export const createUnserved = (deps: Pick<Deps, 'chain' | 'clock' | 'policy'>, fleet: Pick<Fleet, 'boundTo'>) => {
  const since = new Map<string, number>();

  return async (): Promise<readonly SubscriptionSummary[]> => {
    if (!deps.chain.configured) return [];
    const all = await deps.chain.subscriptions();
    if (!all.known) return [];
    const nowUnixMs = deps.clock.nowUnixMs();
    const nowUnix = BigInt(Math.floor(nowUnixMs / 1000));
    const bare = all.value.filter(
      (one) => one.expiresAtUnix > nowUnix && fleet.boundTo(subscriptionKey(one.ref)) === undefined,
    );
    const keys = new Set(bare.map(({ ref }) => subscriptionKey(ref)));
    for (const key of [...since.keys()]) if (!keys.has(key)) since.delete(key);
    return bare.filter(({ ref }) => {
      const key = subscriptionKey(ref);
      const first = since.get(key) ?? nowUnixMs;
      since.set(key, first);
      return nowUnixMs - first >= deps.policy.missingAfterMs;
    });
  };
};
