import { backoffEndsUnixMs } from '../domain/backoff.ts';
import { explain } from '../domain/errors.ts';
import { subscriptionKey } from '../domain/identity.ts';
import type { SubscriptionSummary } from '../ports/chain.ts';
import type { Deps } from './deps.ts';

export interface CreateMissingDeps extends Pick<Deps, 'clock' | 'policy' | 'log'> {
  /** An engine is installed: it creates, and mints, and two makers would make two (D13). */
  readonly createdByEngine: boolean;
  /** Makes the machine of a subscription, all of it or nothing. */
  readonly create: (subscription: SubscriptionSummary) => Promise<void>;
}

interface Failures {
  readonly count: number;
  readonly lastUnixMs: number;
}

/**
 * Makes machines that are paid for and missing, one after the other, where the operator wants it (D13). What failed is
 * tried ever more rarely, and waits for an operator after so many times (L8): a start of the daemon tries it again.
 */
export const createMissing = ({ clock, policy, log, createdByEngine, create }: CreateMissingDeps) => {
  const failures = new Map<string, Failures>();

  const isDue = (key: string): boolean => {
    const failed = failures.get(key);
    if (failed === undefined) return true;
    const nowUnixMs = clock.nowUnixMs();
    return failed.count < policy.parkAfterFailures && nowUnixMs >= backoffEndsUnixMs(key, failed, policy, nowUnixMs);
  };

  const makeOne = async (subscription: SubscriptionSummary): Promise<void> => {
    const key = subscriptionKey(subscription.ref);
    const { vmName: vm } = subscription;
    if (!isDue(key)) return;
    try {
      await create(subscription);
      failures.delete(key);
      log.info({ vm, rule: 'D13' }, 'a paid subscription had no machine: it has one now');
    } catch (error) {
      const count = (failures.get(key)?.count ?? 0) + 1;
      failures.set(key, { count, lastUnixMs: clock.nowUnixMs() });
      const parked = count >= policy.parkAfterFailures ? { todo: 'mend it, then restart the daemon' } : {};
      log.error({ vm, why: explain(error), failures: count, ...parked, rule: 'D13' }, 'a missing machine is not made');
    }
  };

  return {
    /** Whether there is anything to do with them but to tell. */
    wanted: policy.onMissing === 'create-beside-engine' || (policy.onMissing === 'create' && !createdByEngine),
    make: async (missing: readonly SubscriptionSummary[]): Promise<void> => {
      for (const subscription of missing) await makeOne(subscription);
    },
  };
};
export type CreateMissing = ReturnType<typeof createMissing>;
