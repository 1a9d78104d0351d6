import * as z from 'zod';
import type { Policy } from '../policy.ts';

const limit = z.object({ count: z.number(), share: z.number(), windowMs: z.number() });

/** The policy that a decision was made under, as it stands in the journal. */
export const policyFactsSchema: z.ZodType<Policy> = z.object({
  version: z.number(),
  expiryMarginMs: z.number(),
  graceMs: z.number(),
  quarantineMs: z.number(),
  suspendMode: z.enum(['shutdown', 'save']),
  shutdownRepeatMs: z.number(),
  shutdownPatienceMs: z.number(),
  powerOffPatienceMs: z.number(),
  stopDebounceMs: z.number(),
  onOwnerStop: z.enum(['stay', 'start']),
  onMissing: z.enum(['report', 'create', 'create-beside-engine']),
  missingAfterMs: z.number(),
  freshForHarmMs: z.number(),
  witnessGapMs: z.number(),
  maxClockGapMs: z.number(),
  loginAlarmMs: z.number(),
  backoffFirstMs: z.number(),
  backoffMaxMs: z.number(),
  parkAfterFailures: z.number(),
  breaker: z.object({ suspend: limit, destroy: limit }),
});
