/*
 * What one look at all machines of the host counted, and what is made of two of them. Kept free of the schema library:
 * a watchdog starts a process per machine every two seconds, and reading these files is all that most of them do.
 */

/** The four words of the metrics (interop §8). */
export type MetricsState = 'running' | 'paused' | 'stopped' | 'unknown';

/** Counters since the machine's start and levels at that moment; -1 where the host does not tell. */
export interface MachineSample {
  readonly uuid: string;
  /** By journal or metadata (D8). */
  readonly ours: boolean;
  readonly state: MetricsState;
  readonly vcpus: number;
  readonly cpuNs: number;
  readonly memoryTotalKib: number;
  readonly memoryUsedKib: number;
  readonly diskCapacityBytes: number;
  readonly readRequests: number;
  readonly writeRequests: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly agentConnected: boolean;
  /** Since its qemu was started. */
  readonly uptimeSeconds: number;
}

/** All machines at one moment; `atMs` on the kernel's monotonic clock, which all processes share until the next boot. */
export interface HostSample {
  readonly atMs: number;
  readonly machines: Readonly<Record<string, MachineSample>>;
}

/** Two samples of one boot: rates are what happened between them. */
export interface SamplePair {
  readonly bootId: string;
  readonly baseline: HostSample;
  readonly latest: HostSample;
}

const NUMBERS = [
  'vcpus',
  'cpuNs',
  'memoryTotalKib',
  'memoryUsedKib',
  'diskCapacityBytes',
  'readRequests',
  'writeRequests',
  'readBytes',
  'writtenBytes',
  'receivedBytes',
  'sentBytes',
  'uptimeSeconds',
] as const satisfies readonly (keyof MachineSample)[];
const STATES: readonly unknown[] = ['running', 'paused', 'stopped', 'unknown'] satisfies readonly MetricsState[];

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isMachine = (value: unknown): value is MachineSample =>
  isObject(value) &&
  typeof value.uuid === 'string' &&
  typeof value.ours === 'boolean' &&
  typeof value.agentConnected === 'boolean' &&
  STATES.includes(value.state) &&
  NUMBERS.every((key) => Number.isFinite(value[key]));

const isSample = (value: unknown): value is HostSample =>
  isObject(value) &&
  Number.isFinite(value.atMs) &&
  isObject(value.machines) &&
  Object.values(value.machines).every(isMachine);

/** Reads a kept pair; undefined for anything that is not one, or of another boot: its clock meant something else. */
export const parseSamplePair = (text: string, bootId: string): SamplePair | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value) || value.bootId !== bootId || !isSample(value.baseline) || !isSample(value.latest))
    return undefined;
  const { baseline, latest } = value;
  return baseline.atMs < latest.atMs ? { bootId, baseline, latest } : undefined;
};

/** Rates over less than this say more about the moment than about the machine. */
const BASELINE_MIN_MS = 1000;

/** The pair after one more sample: it is compared with the youngest one that is old enough. */
export const nextPair = (before: SamplePair, latest: HostSample): SamplePair => ({
  bootId: before.bootId,
  baseline: latest.atMs - before.latest.atMs >= BASELINE_MIN_MS ? before.latest : before.baseline,
  latest,
});
