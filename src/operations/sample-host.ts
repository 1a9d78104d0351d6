import { type HostSample, nextPair, type SamplePair } from '../domain/host-sample.ts';
import type { Clock } from '../ports/clock.ts';
import type { Sampler, SampleStore } from '../ports/sampler.ts';

/** Several who ask at about the same time share one count. */
const FRESH_MS = 1_500;
/** A mean over longer than this is not what goes on now. */
const BASELINE_MAX_MS = 300_000;
/** Between two counts where there is nothing to compare the first with: short, for the caller has half a second. */
const FIRST_GAP_MS = 150;

export interface SampleDeps {
  readonly sampler: Sampler;
  readonly store: SampleStore;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  readonly bootId: string;
}

const countAgain = async (
  { sampler, clock, bootId }: SampleDeps,
  before: SamplePair | undefined,
): Promise<SamplePair> => {
  const latest = await sampler.sample();
  if (before !== undefined && latest.atMs - before.latest.atMs <= BASELINE_MAX_MS) return nextPair(before, latest);
  await clock.sleep(FIRST_GAP_MS);
  return { bootId, baseline: latest, latest: await sampler.sample() };
};

/**
 * Two samples of the host to compare, the later one a moment old at most: those that another process kept, or one count more,
 * kept for the next one. `name` must be in it: a machine may be younger than what was kept.
 */
export const pairWith = async (deps: SampleDeps, name: string): Promise<SamplePair> => {
  const kept = deps.store.read();
  const ageMs = kept === undefined ? Number.POSITIVE_INFINITY : deps.clock.monotonicMs() - kept.latest.atMs;
  if (kept !== undefined && ageMs <= FRESH_MS && Object.hasOwn(kept.latest.machines, name)) return kept;
  const pair = await countAgain(deps, kept);
  deps.store.write(pair);
  return pair;
};

/** The pair after one more count of a process that counts regularly; undefined after the first. */
export const followingPair = (
  before: SamplePair | HostSample | undefined,
  latest: HostSample,
  bootId: string,
): SamplePair | HostSample => {
  if (before === undefined) return latest;
  return 'baseline' in before ? nextPair(before, latest) : { bootId, baseline: before, latest };
};
