import type { HostSample, SamplePair } from '../domain/host-sample.ts';

/** Counts what all machines of the host do. Never waits for a guest. */
export interface Sampler {
  /** One look at the whole host; throws `HypervisorError` where libvirt does not answer. */
  sample(): Promise<HostSample>;
}

/** Where samples are kept for other processes. Best effort: who finds nothing counts for itself. */
export interface SampleStore {
  read(): SamplePair | undefined;
  write(pair: SamplePair): void;
}
