import type { HostSample, MachineSample, MetricsState } from './host-sample.ts';

/** What `metrics` prints, in this order (interop §8). Integers but for `cpu_percent`; -1 is unavailable. */
export interface Metrics {
  /** Of the vCPUs that the machine has: 0 to 100, one decimal. */
  readonly cpu_percent: number;
  readonly cpu_count: number;
  readonly memory_used_mb: number;
  readonly memory_total_mb: number;
  readonly disk_used_mb: number;
  readonly disk_total_mb: number;
  readonly disk_read_iops: number;
  readonly disk_write_iops: number;
  readonly disk_read_bytes_sec: number;
  readonly disk_write_bytes_sec: number;
  readonly net_rx_bytes_sec: number;
  readonly net_tx_bytes_sec: number;
  readonly net_connections: number;
  readonly guest_agent_responsive: boolean;
  readonly uptime_seconds: number;
  readonly state: MetricsState;
}

const UNAVAILABLE = -1;
const NS_PER_SECOND = 1_000_000_000;

type Counter = {
  [Key in keyof MachineSample]: MachineSample[Key] extends number ? Key : never;
}[keyof MachineSample];

const isOn = ({ state }: MachineSample): boolean => state === 'running' || state === 'paused';

/**
 * How fast a counter grew between two samples, per second. A counter that is smaller than before, or was not there, began
 * again with the machine: then the mean since its start is told, where that is known. A machine that is off does nothing.
 */
const rateOf = (key: Counter, latest: MachineSample, baseline: MachineSample | undefined, seconds: number): number => {
  if (!isOn(latest)) return latest.state === 'stopped' ? 0 : UNAVAILABLE;
  const now = latest[key];
  if (now < 0) return UNAVAILABLE;
  const before =
    baseline !== undefined && baseline.uuid === latest.uuid && isOn(baseline) ? baseline[key] : UNAVAILABLE;
  if (before >= 0 && now >= before) return (now - before) / seconds;
  return latest.uptimeSeconds < 0 ? UNAVAILABLE : now / Math.max(1, latest.uptimeSeconds);
};

const cpuPercent = (nsPerSecond: number, vcpus: number): number => {
  if (nsPerSecond < 0 || vcpus <= 0) return UNAVAILABLE;
  const percent = (100 * nsPerSecond) / (vcpus * NS_PER_SECOND);
  return Math.round(Math.min(100, percent) * 10) / 10;
};

const scaled = (value: number, divisor: number): number => (value < 0 ? UNAVAILABLE : Math.floor(value / divisor));

/** The metrics of one machine from two samples of the host, as of `nowMs` on the same clock; undefined where it is not in them. */
export const metricsOf = (
  { baseline, latest }: { readonly baseline: HostSample; readonly latest: HostSample },
  name: string,
  nowMs: number,
): Metrics | undefined => {
  if (!Object.hasOwn(latest.machines, name)) return undefined;
  const machine = latest.machines[name];
  if (machine === undefined) return undefined;
  const before = Object.hasOwn(baseline.machines, name) ? baseline.machines[name] : undefined;
  const seconds = (latest.atMs - baseline.atMs) / 1000;
  const rate = (key: Counter): number => rateOf(key, machine, before, seconds);
  const perSecond = (key: Counter): number => Math.round(rate(key));
  const sinceSample = Math.max(0, Math.floor((nowMs - latest.atMs) / 1000));
  const uptime = machine.uptimeSeconds < 0 ? UNAVAILABLE : Math.floor(machine.uptimeSeconds) + sinceSample;
  return {
    cpu_percent: cpuPercent(rate('cpuNs'), machine.vcpus),
    cpu_count: machine.vcpus,
    memory_used_mb: machine.state === 'stopped' ? 0 : scaled(machine.memoryUsedKib, 1024),
    memory_total_mb: scaled(machine.memoryTotalKib, 1024),
    disk_used_mb: UNAVAILABLE,
    disk_total_mb: scaled(machine.diskCapacityBytes, 1024 * 1024),
    disk_read_iops: perSecond('readRequests'),
    disk_write_iops: perSecond('writeRequests'),
    disk_read_bytes_sec: perSecond('readBytes'),
    disk_write_bytes_sec: perSecond('writtenBytes'),
    net_rx_bytes_sec: perSecond('receivedBytes'),
    net_tx_bytes_sec: perSecond('sentBytes'),
    net_connections: UNAVAILABLE,
    guest_agent_responsive: machine.state === 'running' && machine.agentConnected,
    uptime_seconds: machine.state === 'stopped' ? 0 : uptime,
    state: machine.state,
  };
};
