import * as z from 'zod';
import { DEFAULT_POLICY } from '../domain/policy.ts';
import { duration, formatDuration } from './duration.ts';
import { whole } from './leaves.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A duration of the policy: optional, described with its default. */
const span = (defaultMs: number, means: string, bounds?: { minMs?: number; maxMs?: number }) =>
  duration(bounds)
    .optional()
    .describe(`${means} (${formatDuration(defaultMs)})`);

const share = z
  .union([z.number(), z.string().regex(/^\d{1,2}(\.\d+)?\s*%$/)], { error: 'a share from 0 to 0.9, or from 0% to 90%' })
  .transform((value) => (typeof value === 'string' ? Number.parseFloat(value) / 100 : value))
  .refine((value) => value >= 0 && value <= 0.9, { error: 'a share from 0 to 0.9, or from 0% to 90%' });

/** The bounds keep the breaker a breaker: it can be made stricter or wider, not switched off. */
const limit = (defaults: { count: number; share: number; windowMs: number }, what: string) =>
  z
    .strictObject(
      {
        count: whole(1, 1000).optional().describe(`So many ${what} always pass (${defaults.count})`),
        share: share.optional().describe(`... or this share of the machines, where it is more (${defaults.share})`),
        window: span(defaults.windowMs, 'within this time', { minMs: 10 * SECOND, maxMs: 24 * HOUR }),
      },
      { error: 'the keys count, share and window' },
    )
    .optional()
    .describe(`The breaker for ${what} (L10, D28)`);

const p = DEFAULT_POLICY;

/** The words an operator looks for first; they may stand at the top of the file or under `policy`. */
export const sharedPolicyShape = {
  grace: span(p.graceMs, "From expiry or suspension to destruction; overrides db.yaml's gc_grace_days (C10)"),
  quarantine: span(p.quarantineMs, 'How long a destroyed machine can come back; 0 keeps nothing (D21)'),
  quarantine_hours: whole(0, 87_600, 'a whole number of hours').optional().describe('The same in hours'),
  suspend_mode: z
    .enum(['shutdown', 'save'], { error: 'shutdown or save' })
    .optional()
    .describe('How a machine is suspended: shutdown (default) or save (D24)'),
} as const;

export const policySchema = z.strictObject(
  {
    ...sharedPolicyShape,
    expiry_margin: span(p.expiryMarginMs, 'Added to an expiry before a clock may call it over (C9)', {
      maxMs: 24 * HOUR,
    }),
    shutdown_repeat: span(p.shutdownRepeatMs, 'A shutdown is asked for again this often', {
      minMs: SECOND,
      maxMs: HOUR,
    }),
    shutdown_patience: span(p.shutdownPatienceMs, '... for this long, then power is taken gracefully', { maxMs: HOUR }),
    power_off_patience: span(p.powerOffPatienceMs, '... and, this long after that, by force', { maxMs: HOUR }),
    stop_debounce: span(p.stopDebounceMs, 'A stop is believed when it has lasted this long (L7)', {
      maxMs: 10 * MINUTE,
    }),
    on_owner_stop: z
      .enum(['stay', 'start'], { error: 'stay or start' })
      .optional()
      .describe('An owner who powers off from inside finds it off (stay, default) or on (start) (D16)'),
    on_missing: z
      .enum(['report', 'create', 'create-beside-engine'], { error: 'report, create or create-beside-engine' })
      .optional()
      .describe('A paid subscription without a machine: report or create; beside an engine create-beside-engine (D13)'),
    missing_after: span(p.missingAfterMs, 'A missing machine is believed missing after this (D13)', { minMs: SECOND }),
    fresh_for_harm: span(p.freshForHarmMs, 'Facts for harm are at most this old (C5)', {
      minMs: SECOND,
      maxMs: 10 * MINUTE,
    }),
    witness_gap: span(p.witnessGapMs, 'One endpoint: the two reads are this far apart (C5)', {
      minMs: SECOND,
      maxMs: 24 * HOUR,
    }),
    max_clock_gap: span(p.maxClockGapMs, 'Wall clock against head: beyond this harm freezes (C9)', {
      minMs: SECOND,
      maxMs: HOUR,
    }),
    login_alarm: span(p.loginAlarmMs, 'GECOS not set for this long: alarm (D25)', { minMs: SECOND, maxMs: HOUR }),
    backoff_first: span(p.backoffFirstMs, 'First pause after a failed step (L8)', { minMs: 10, maxMs: MINUTE }),
    backoff_max: span(p.backoffMaxMs, 'Longest pause after a failed step (L8)', { minMs: 10, maxMs: 5 * MINUTE }),
    park_after_failures: whole(1, 10_000)
      .optional()
      .describe(`A machine waits for an operator after so many failures in a row (${p.parkAfterFailures}) (L8)`),
  },
  { error: 'the keys of the policy' },
);

export const breakerSchema = z.strictObject(
  { suspend: limit(p.breaker.suspend, 'suspensions'), destroy: limit(p.breaker.destroy, 'destructions') },
  { error: 'the keys suspend and destroy' },
);

export type PolicyFile = z.infer<typeof policySchema>;
export type BreakerFile = z.infer<typeof breakerSchema>;
