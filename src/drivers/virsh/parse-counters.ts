import type { MachineSample, MetricsState } from '../../domain/host-sample.ts';
import { domstatsBlocks } from './parse-domstats.ts';
import { runStateOf } from './run-state.ts';

/** What `virsh domstats --raw --nowait` alone tells of a machine. */
export type Counters = Omit<MachineSample, 'uuid' | 'ours' | 'agentConnected' | 'uptimeSeconds'>;

type Fields = ReadonlyMap<string, string>;

const UNAVAILABLE = -1;
/** A guest whose balloon has not reported for this long is asked no more; qemu's own view of its memory is. */
const BALLOON_FRESH_MS = 60_000;

const numberAt = (fields: Fields, key: string): number => {
  const text = fields.get(key);
  return text !== undefined && /^[0-9]{1,19}$/.test(text) ? Number(text) : UNAVAILABLE;
};

/** The sum over all devices of a kind; unavailable where none of them counts that. */
const sum = (values: readonly number[]): number => {
  const counted = values.filter((value) => value >= 0);
  return counted.length === 0 ? UNAVAILABLE : counted.reduce((total, value) => total + value, 0);
};

/** The numbers of all devices of a kind: `block.0`, `block.1`, … */
const devices = (fields: Fields, kind: string): readonly string[] => {
  const count = Math.min(64, numberAt(fields, `${kind}.count`));
  return Array.from({ length: Math.max(0, count) }, (_, index) => `${kind}.${index}`);
};

const stateOf = (fields: Fields): MetricsState => {
  const state = numberAt(fields, 'state.state');
  const { run } = runStateOf(state, Math.max(0, numberAt(fields, 'state.reason')));
  if (run === 'paused' || run === 'pmsuspended') return 'paused';
  if (run === 'off' || run === 'crashed') return 'stopped';
  return run === 'no-state' ? 'unknown' : 'running';
};

/** The time of the vCPUs, so that qemu's own work is not the guest's; where it is not told apart, that of the whole. */
const cpuNs = (fields: Fields): number => {
  const vcpus = sum(
    Array.from({ length: Math.max(0, Math.min(512, numberAt(fields, 'vcpu.maximum'))) }, (_, index) =>
      numberAt(fields, `vcpu.${index}.time`),
    ),
  );
  return vcpus >= 0 ? vcpus : numberAt(fields, 'cpu.time');
};

/** What the guest says of its memory, while it is fresh, else what qemu holds of the host's for it. */
const memoryUsedKib = (fields: Fields, totalKib: number, nowUnixMs: number): number => {
  const [available, usable, unused, rss] = ['available', 'usable', 'unused', 'rss'].map((key) =>
    numberAt(fields, `balloon.${key}`),
  ) as [number, number, number, number];
  const fresh = nowUnixMs - numberAt(fields, 'balloon.last-update') * 1000 <= BALLOON_FRESH_MS;
  const free = usable >= 0 ? usable : unused;
  if (fresh && available >= 0 && free >= 0 && free <= available) return available - free;
  return rss >= 0 && totalKib >= 0 ? Math.min(rss, totalKib) : rss;
};

/** Cloud-init's seed and other images in a tray are no disks of the machine. */
const isDisk = (fields: Fields, device: string): boolean => !/\.iso$/i.test(fields.get(`${device}.path`) ?? '');

const countersOf = (fields: Fields, nowUnixMs: number): Counters => {
  const blocks = devices(fields, 'block');
  const nets = devices(fields, 'net');
  const all = (of: readonly string[], key: string): number => sum(of.map((each) => numberAt(fields, `${each}.${key}`)));
  const memoryTotalKib = numberAt(fields, 'balloon.current');
  return {
    state: stateOf(fields),
    vcpus: numberAt(fields, 'vcpu.current'),
    cpuNs: cpuNs(fields),
    memoryTotalKib,
    memoryUsedKib: memoryUsedKib(fields, memoryTotalKib, nowUnixMs),
    diskCapacityBytes: all(
      blocks.filter((device) => isDisk(fields, device)),
      'capacity',
    ),
    readRequests: all(blocks, 'rd.reqs'),
    writeRequests: all(blocks, 'wr.reqs'),
    readBytes: all(blocks, 'rd.bytes'),
    writtenBytes: all(blocks, 'wr.bytes'),
    receivedBytes: all(nets, 'rx.bytes'),
    sentBytes: all(nets, 'tx.bytes'),
  };
};

/** Reads what `virsh domstats --raw --nowait` prints, by name; whatever it lacks is unavailable, never zero. */
export const parseCounters = (stdout: string, nowUnixMs: number): ReadonlyMap<string, Counters> =>
  new Map(domstatsBlocks(stdout).map(({ name, fields }) => [name, countersOf(fields, nowUnixMs)]));
