import { type BreakerLimit, DEFAULT_POLICY, type Policy } from '../domain/policy.ts';
import type { DbFile } from './contract-schema.ts';
import type { BreakerFile, PolicyFile } from './policy-schema.ts';
import type { Problems } from './problems.ts';
import type { ProvisionerFile } from './provisioner-schema.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface PolicySources {
  readonly db: DbFile;
  readonly dbFile: string;
  readonly ours: ProvisionerFile;
  readonly oursFile: string;
}

/** The policy: provisioner.yaml before db.yaml before what ships. A setting that loosens a safety rule is warned of. */
export const mergePolicy = (sources: PolicySources, problems: Problems): Policy => {
  const { ours, oursFile } = sources;
  const policy = defined({
    ...DEFAULT_POLICY,
    ...named(ours.policy ?? {}),
    graceMs: once(ours, 'grace', oursFile, problems) ?? graceOf(sources, problems),
    quarantineMs: quarantineOf(ours, oursFile, problems),
    suspendMode: once(ours, 'suspend_mode', oursFile, problems),
    breaker: breakerOf(ours.breaker ?? {}),
  });
  if (policy.backoffFirstMs > policy.backoffMaxMs) {
    problems.add(oursFile, 'policy.backoff_first is longer than policy.backoff_max; wants the first to be the shorter');
  }
  if (policy.graceMs === 0)
    problems.warn(oursFile, 'the grace is 0: a machine is destroyed as soon as it is suspended');
  warnOfLoose(policy, oursFile, problems);
  return policy;
};

/** Our keys under the domain's names; whatever is not set stays undefined and so gives way to the default. */
const named = (file: PolicyFile): Partial<Record<keyof Policy, unknown>> => ({
  expiryMarginMs: file.expiry_margin,
  shutdownRepeatMs: file.shutdown_repeat,
  shutdownPatienceMs: file.shutdown_patience,
  powerOffPatienceMs: file.power_off_patience,
  stopDebounceMs: file.stop_debounce,
  onOwnerStop: file.on_owner_stop,
  onMissing: file.on_missing,
  missingAfterMs: file.missing_after,
  freshForHarmMs: file.fresh_for_harm,
  witnessGapMs: file.witness_gap,
  maxClockGapMs: file.max_clock_gap,
  loginAlarmMs: file.login_alarm,
  backoffFirstMs: file.backoff_first,
  backoffMaxMs: file.backoff_max,
  parkAfterFailures: file.park_after_failures,
});

/** Puts the default wherever a source had nothing. The schemas guarantee the types of what they let through. */
const defined = (merged: Partial<Record<keyof Policy, unknown>>): Policy => {
  const set = Object.entries(merged).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_POLICY, ...Object.fromEntries(set) };
};

type Shared = 'grace' | 'quarantine' | 'quarantine_hours' | 'suspend_mode';

/** A word that may stand at the top or under `policy`, but not in both places: one of them would be overlooked. */
const once = <K extends Shared>(
  ours: ProvisionerFile,
  key: K,
  file: string,
  problems: Problems,
): ProvisionerFile[K] => {
  const top = ours[key];
  const below = ours.policy?.[key];
  if (top !== undefined && below !== undefined) {
    problems.add(file, `${key} is given at the top and as policy.${key}; wants it in one place`);
  }
  return top ?? below;
};

const quarantineOf = (ours: ProvisionerFile, file: string, problems: Problems): number | undefined => {
  const span = once(ours, 'quarantine', file, problems);
  const hours = once(ours, 'quarantine_hours', file, problems);
  if (span !== undefined && hours !== undefined)
    problems.add(file, 'has both quarantine and quarantine_hours; wants one');
  return span ?? (hours === undefined ? undefined : hours * HOUR_MS);
};

const graceOf = ({ db, dbFile }: PolicySources, problems: Problems): number | undefined => {
  const { gc_grace_days: days, grace_days: older } = db;
  if (days !== undefined && older !== undefined && days !== older) {
    problems.warn(dbFile, `gc_grace_days is ${days} and grace_days is ${older}; the first counts`);
  }
  const counts = days ?? older;
  return counts === undefined ? undefined : counts * DAY_MS;
};

const breakerOf = (file: BreakerFile): Policy['breaker'] => {
  const limit = (set: BreakerFile['suspend'], ships: BreakerLimit): BreakerLimit => ({
    count: set?.count ?? ships.count,
    share: set?.share ?? ships.share,
    windowMs: set?.window ?? ships.windowMs,
  });
  const { suspend, destroy } = DEFAULT_POLICY.breaker;
  return { suspend: limit(file.suspend, suspend), destroy: limit(file.destroy, destroy) };
};

const warnOfLoose = (policy: Policy, file: string, problems: Problems): void => {
  const warn = (key: string): void => problems.warn(file, `${key} is looser than what ships`);
  if (policy.freshForHarmMs > DEFAULT_POLICY.freshForHarmMs) warn('policy.fresh_for_harm');
  if (policy.maxClockGapMs > DEFAULT_POLICY.maxClockGapMs) warn('policy.max_clock_gap');
  for (const kind of ['suspend', 'destroy'] as const) {
    const set = policy.breaker[kind];
    const ships = DEFAULT_POLICY.breaker[kind];
    if (set.count > ships.count || set.share > ships.share || set.windowMs < ships.windowMs) warn(`breaker.${kind}`);
  }
};
