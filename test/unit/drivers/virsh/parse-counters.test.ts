import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limitCommands } from '../../../../src/drivers/virsh/limiter.ts';
import { parseCounters } from '../../../../src/drivers/virsh/parse-counters.ts';
import { readLimits } from '../../../../src/drivers/virsh/parse-limits.ts';
import { parseXml } from '../../../../src/drivers/virsh/xml.ts';
import { exampleDomain } from '../../../support/example-observation.ts';

const NOW_UNIX_MS = 1_800_000_000_000;

/** As libvirt 9.0 prints it. */
const PRINTED = `Domain: 'it's one'
  state.state=1
  state.reason=1
  cpu.time=9900000000
  balloon.current=2097152
  balloon.maximum=4194304
  balloon.available=2000000
  balloon.usable=1500000
  balloon.unused=900000
  balloon.last-update=1799999990
  balloon.rss=3000000
  vcpu.current=2
  vcpu.maximum=2
  vcpu.0.state=1
  vcpu.0.time=3000000000
  vcpu.1.time=4000000000
  net.count=2
  net.0.name=vnet0
  net.0.rx.bytes=100
  net.0.tx.bytes=10
  net.1.rx.bytes=200
  net.1.tx.bytes=20
  block.count=2
  block.0.name=vda
  block.0.path=/vms/it's.qcow2
  block.0.rd.reqs=13
  block.0.rd.bytes=15872
  block.0.wr.reqs=18
  block.0.wr.bytes=50176
  block.0.capacity=67108864
  block.1.name=hda
  block.1.path=/vms/seed.iso
  block.1.rd.reqs=1
  block.1.rd.bytes=2048
  block.1.wr.reqs=0
  block.1.wr.bytes=0
  block.1.capacity=374784

Domain: 'off'
  state.state=5
  state.reason=1
  balloon.maximum=196608
  vcpu.maximum=1
`;

describe('counters of domstats', () => {
  it('adds up devices, leaves seeds out of the capacity, and believes the guest of its memory while it is fresh', () => {
    expect(parseCounters(PRINTED, NOW_UNIX_MS).get("it's one")).toEqual({
      state: 'running',
      vcpus: 2,
      cpuNs: 7_000_000_000,
      memoryTotalKib: 2_097_152,
      memoryUsedKib: 500_000,
      diskCapacityBytes: 67_108_864,
      readRequests: 14,
      writeRequests: 18,
      readBytes: 17_920,
      writtenBytes: 50_176,
      receivedBytes: 300,
      sentBytes: 30,
    });
  });

  it('a balloon that has not reported for a minute is not asked: the host knows how much qemu holds', () => {
    const late = parseCounters(PRINTED, NOW_UNIX_MS + 120_000).get("it's one");
    expect(late?.memoryUsedKib).toBe(2_097_152); // never more than the machine has
  });

  it('what a domain that is off does not have is unavailable', () => {
    expect(parseCounters(PRINTED, NOW_UNIX_MS).get('off')).toMatchObject({
      state: 'stopped',
      cpuNs: -1,
      receivedBytes: -1,
      diskCapacityBytes: -1,
    });
  });

  it.each([
    [3, 1, 'paused'],
    [7, 0, 'paused'],
    [2, 0, 'running'],
    [4, 1, 'running'],
    [6, 1, 'stopped'],
    [0, 0, 'unknown'],
    [42, 0, 'unknown'],
  ])('state %i is %s', (state, reason, word) => {
    const printed = `Domain: 'a'\n  state.state=${state}\n  state.reason=${reason}\n`;
    expect(parseCounters(printed, 0).get('a')?.state).toBe(word);
  });

  it('never throws and never counts what is no number', () => {
    const line = fc.oneof(
      fc.constantFrom(...PRINTED.split('\n')),
      fc.string(),
      fc.constantFrom('  block.count=99999999999', '  vcpu.maximum=-1', '  vcpu.0.time=1e9', '  net.0.rx.bytes=0x10'),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), (lines) => {
        for (const { state, ...numbers } of parseCounters(lines.join('\n'), NOW_UNIX_MS).values()) {
          expect(['running', 'paused', 'stopped', 'unknown']).toContain(state);
          for (const value of Object.values(numbers)) expect(value >= -1 && Number.isFinite(value)).toBe(true);
        }
      }),
    );
  });
});

const xml = (inside: string, tune = ''): string => `<domain>${tune}<devices>${inside}</devices></domain>`;
const disk = (tune: string): string => `<disk device='disk'><source file='/a'/><iotune>${tune}</iotune></disk>`;
const limitsOf = (text: string) => {
  const root = parseXml(text);
  if (root === undefined) throw new Error('no XML');
  return readLimits(root);
};

describe('limits in a live definition', () => {
  it('reads what libvirt holds, each vCPU alike, bandwidth in kilobits', () => {
    const cpu = '<cputune><shares>500</shares><period>100000</period><quota>40000</quota></cputune>';
    const nic = "<interface><bandwidth><inbound average='125'/><outbound average='13'/></bandwidth></interface>";
    const io = '<read_iops_sec>100</read_iops_sec><write_iops_sec>50</write_iops_sec>';
    expect(limitsOf(xml(disk(io) + nic, cpu))).toEqual({
      cpuShares: 500,
      cpuQuotaPercent: 40,
      bandwidthInKbps: 1000,
      bandwidthOutKbps: 104,
      readIops: 100,
      writeIops: 50,
    });
  });

  it('zero, minus one and nothing are no limit; a seed in its tray is no disk', () => {
    const seed = "<disk device='cdrom'><readonly/></disk>";
    expect(
      limitsOf(xml(disk('<read_iops_sec>0</read_iops_sec>') + seed, '<cputune><quota>-1</quota></cputune>')),
    ).toEqual({});
  });

  it('says where disks are limited differently', () => {
    const io = '<read_iops_sec>100</read_iops_sec>';
    expect(limitsOf(xml(disk(io) + disk('')))).toEqual({ readIops: 100, uneven: true });
  });
});

describe('commands that limit', () => {
  const domain = {
    ...exampleDomain,
    uuid: 'u-1',
    disks: ['/vms/a.qcow2', '/vms/b.qcow2'],
    interfaces: [{ mac: '52:54:00:00:00:01', linkUp: true }],
  };
  const argvs = (...args: Parameters<typeof limitCommands>) => limitCommands(...args).map(({ argv }) => argv.join(' '));

  it('set all of a kind at once and live alone: a limit in the definition could keep a machine from starting', () => {
    const wanted = { cpuShares: 300, cpuQuotaPercent: 25, bandwidthInKbps: 1000, bandwidthOutKbps: 100, readIops: 7 };
    expect(argvs({ ...domain, limits: {} }, wanted)).toEqual([
      'schedinfo u-1 --live --set cpu_shares=300 --set vcpu_period=100000 --set vcpu_quota=25000',
      'blkdeviotune u-1 /vms/a.qcow2 --live --read-iops-sec 7 --write-iops-sec 0',
      'blkdeviotune u-1 /vms/b.qcow2 --live --read-iops-sec 7 --write-iops-sec 0',
      'domiftune u-1 52:54:00:00:00:01 --live --inbound 125 --outbound 13',
    ]);
  });

  it('take away what is not wanted any more, down to the usual weight', () => {
    const limits = { cpuShares: 300, cpuQuotaPercent: 25, bandwidthInKbps: 1000 };
    expect(argvs({ ...domain, limits }, {}, 1024)).toEqual([
      'schedinfo u-1 --live --set cpu_shares=1024 --set vcpu_period=100000 --set vcpu_quota=-1',
      'domiftune u-1 52:54:00:00:00:01 --live --inbound 0 --outbound 0',
    ]);
  });

  it('ask libvirt for nothing of a kind in which all is as wanted: a host may not know that kind', () => {
    expect(argvs({ ...domain, limits: { readIops: 7 } }, { readIops: 7 })).toEqual([]);
    expect(argvs({ ...domain, limits: { readIops: 7, uneven: true } }, { readIops: 7 })).toHaveLength(2);
  });
});
