import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type HostSample,
  type MachineSample,
  nextPair,
  parseSamplePair,
  type SamplePair,
} from '../../../src/domain/host-sample.ts';
import { metricsOf } from '../../../src/domain/metrics.ts';

const machine: MachineSample = {
  uuid: 'u-1',
  ours: true,
  state: 'running',
  vcpus: 2,
  cpuNs: 10_000_000_000,
  memoryTotalKib: 2_097_152,
  memoryUsedKib: 524_288,
  diskCapacityBytes: 10 * 1024 ** 3,
  readRequests: 1000,
  writeRequests: 2000,
  readBytes: 1_000_000,
  writtenBytes: 2_000_000,
  receivedBytes: 5000,
  sentBytes: 6000,
  agentConnected: true,
  uptimeSeconds: 100.6,
};
const at = (atMs: number, change: Partial<MachineSample> = {}): HostSample => ({
  atMs,
  machines: { a: { ...machine, ...change } },
});
const later: Partial<MachineSample> = {
  cpuNs: 13_000_000_000,
  readRequests: 1040,
  writeRequests: 2020,
  readBytes: 1_020_000,
  writtenBytes: 2_002_000,
  receivedBytes: 5400,
  sentBytes: 6002,
  uptimeSeconds: 102.6,
};

describe('metrics of two samples', () => {
  it('tells every field of the watchdog, rates per second and the processor in percent of all vCPUs (interop §8)', () => {
    expect(metricsOf({ baseline: at(10_000), latest: at(12_000, later) }, 'a', 15_500)).toEqual({
      cpu_percent: 75,
      cpu_count: 2,
      memory_used_mb: 512,
      memory_total_mb: 2048,
      disk_used_mb: -1,
      disk_total_mb: 10_240,
      disk_read_iops: 20,
      disk_write_iops: 10,
      disk_read_bytes_sec: 10_000,
      disk_write_bytes_sec: 1000,
      net_rx_bytes_sec: 200,
      net_tx_bytes_sec: 1,
      net_connections: -1,
      guest_agent_responsive: true,
      uptime_seconds: 105,
      state: 'running',
    });
  });

  it('takes a counter that went back for one that began again, and tells the mean since the start', () => {
    const latest = at(12_000, { readBytes: 500, uptimeSeconds: 5 });
    expect(metricsOf({ baseline: at(10_000), latest }, 'a', 12_000)?.disk_read_bytes_sec).toBe(100);
    const untold = at(12_000, { readBytes: 500, uptimeSeconds: -1 });
    expect(metricsOf({ baseline: at(10_000), latest: untold }, 'a', 12_000)?.disk_read_bytes_sec).toBe(-1);
  });

  it('does not compare a machine with another that bore its name', () => {
    const latest = at(12_000, { uuid: 'u-2', receivedBytes: 9000, uptimeSeconds: 3 });
    expect(metricsOf({ baseline: at(10_000), latest }, 'a', 12_000)?.net_rx_bytes_sec).toBe(3000);
  });

  it('a machine that is off does nothing, and its agent answers nobody', () => {
    const latest = at(12_000, { state: 'stopped', cpuNs: -1, readRequests: -1, uptimeSeconds: -1 });
    expect(metricsOf({ baseline: at(10_000), latest }, 'a', 12_000)).toMatchObject({
      cpu_percent: 0,
      memory_used_mb: 0,
      disk_read_iops: 0,
      guest_agent_responsive: false,
      uptime_seconds: 0,
      state: 'stopped',
    });
  });

  it('what the host does not count is unavailable, never zero (L3)', () => {
    const none = { cpuNs: -1, memoryUsedKib: -1, receivedBytes: -1, uptimeSeconds: -1 };
    expect(metricsOf({ baseline: at(10_000, none), latest: at(12_000, none) }, 'a', 12_000)).toMatchObject({
      cpu_percent: -1,
      memory_used_mb: -1,
      net_rx_bytes_sec: -1,
      uptime_seconds: -1,
    });
  });

  it('knows no machine by the name of something that every object has', () => {
    const pair = { baseline: at(1), latest: at(2) };
    for (const name of ['constructor', '__proto__', 'toString', 'b']) expect(metricsOf(pair, name, 3)).toBeUndefined();
  });

  it('gives whole numbers but for cpu_percent, which stays within 0 and 100, whatever was counted', () => {
    const counter = fc.oneof(fc.constant(-1), fc.nat(10 ** 9), fc.double({ min: 0, max: 1e19, noNaN: true }));
    const sample = fc.record({
      cpuNs: counter,
      readRequests: counter,
      sentBytes: counter,
      uptimeSeconds: counter,
      vcpus: fc.integer({ min: -1, max: 64 }),
      state: fc.constantFrom('running' as const, 'paused' as const, 'stopped' as const, 'unknown' as const),
    });
    fc.assert(
      fc.property(sample, sample, fc.integer({ min: 1, max: 10 ** 6 }), (before, after, ms) => {
        const found = metricsOf({ baseline: at(1000, before), latest: at(1000 + ms, after) }, 'a', 1000 + ms);
        const { cpu_percent, state, guest_agent_responsive, ...integers } = found ?? ({} as never);
        expect([state, typeof guest_agent_responsive]).toEqual([after.state, 'boolean']);
        expect(cpu_percent === -1 || (cpu_percent >= 0 && cpu_percent <= 100)).toBe(true);
        for (const value of Object.values(integers))
          expect(Number.isInteger(value) && (value as number) >= -1).toBe(true);
      }),
    );
  });
});

describe('kept samples', () => {
  const pair: SamplePair = { bootId: 'boot-a', baseline: at(10_000), latest: at(12_000, later) };

  it('survive being written and read', () => {
    expect(parseSamplePair(JSON.stringify(pair), 'boot-a')).toEqual(pair);
  });

  it('of another boot are worth nothing: its clock began elsewhere', () => {
    expect(parseSamplePair(JSON.stringify(pair), 'boot-b')).toBeUndefined();
  });

  it('that are torn, foreign or the wrong way round are as if they were not there', () => {
    const text = JSON.stringify(pair);
    fc.assert(
      fc.property(fc.nat(text.length - 1), (length) => {
        expect(parseSamplePair(text.slice(0, length), 'boot-a')).toBeUndefined();
      }),
    );
    fc.assert(fc.property(fc.json(), (json) => void expect(parseSamplePair(json, 'boot-a')).toBeUndefined()));
    const wrong = { ...pair, latest: { atMs: 12_000, machines: { a: { ...machine, cpuNs: '1' } } } };
    expect(parseSamplePair(JSON.stringify(wrong), 'boot-a')).toBeUndefined();
    expect(parseSamplePair(JSON.stringify({ ...pair, baseline: pair.latest, latest: pair.baseline }), 'boot-a')).toBe(
      undefined,
    );
  });

  it('are compared over a second at least, however often somebody counts', () => {
    const soon = nextPair(pair, at(12_400));
    expect([soon.baseline.atMs, soon.latest.atMs]).toEqual([10_000, 12_400]);
    const then = nextPair(pair, at(13_000));
    expect([then.baseline.atMs, then.latest.atMs]).toEqual([12_000, 13_000]);
  });
});
