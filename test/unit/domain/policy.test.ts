import { expect, it } from 'vitest';
import { DEFAULT_POLICY } from '../../../src/domain/policy.ts';

it('what ships is what the README promises an operator who sets nothing (D13, D16, D21, D24, D28)', () => {
  expect(DEFAULT_POLICY).toEqual({
    version: 1,
    expiryMarginMs: 30_000,
    graceMs: 604_800_000,
    quarantineMs: 86_400_000,
    suspendMode: 'shutdown',
    shutdownRepeatMs: 10_000,
    shutdownPatienceMs: 120_000,
    powerOffPatienceMs: 20_000,
    stopDebounceMs: 5000,
    onOwnerStop: 'stay',
    onMissing: 'report',
    missingAfterMs: 900_000,
    freshForHarmMs: 20_000,
    witnessGapMs: 600_000,
    maxClockGapMs: 120_000,
    loginAlarmMs: 300_000,
    backoffFirstMs: 1000,
    backoffMaxMs: 300_000,
    parkAfterFailures: 30,
    breaker: {
      suspend: { count: 20, share: 0.5, windowMs: 600_000 },
      destroy: { count: 5, share: 0.2, windowMs: 3_600_000 },
    },
  });
});
