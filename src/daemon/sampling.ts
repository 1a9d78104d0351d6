import { explain } from '../domain/errors.ts';
import type { HostSample, SamplePair } from '../domain/host-sample.ts';
import { followingPair } from '../operations/sample-host.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Sampler, SampleStore } from '../ports/sampler.ts';

/** As often as a watchdog asks; a count of the host costs libvirt a few milliseconds. */
const SAMPLE_EVERY_MS = 2_000;

export interface SamplingDeps {
  readonly sampler: Sampler;
  readonly store: SampleStore;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly log: Log;
  readonly bootId: string;
  readonly stop: AbortSignal;
}

/**
 * Counts the host for those who ask for metrics, until stopped; never rejects. While libvirt is away nothing is written:
 * what is kept grows old, and who finds it old asks libvirt himself and tells that it is away.
 */
export const keepSampling = async ({ sampler, store, clock, log, bootId, stop }: SamplingDeps): Promise<void> => {
  let last: SamplePair | HostSample | undefined;
  let failing = false;
  while (!stop.aborted) {
    try {
      last = followingPair(last, await sampler.sample(), bootId);
      if ('baseline' in last) store.write(last);
      failing = false;
    } catch (error) {
      if (!failing && !stop.aborted)
        log.warn({ why: explain(error) }, 'machines not counted; metrics ask libvirt themselves');
      failing = true;
    }
    await clock.sleep(SAMPLE_EVERY_MS, stop).catch(() => undefined);
  }
};
