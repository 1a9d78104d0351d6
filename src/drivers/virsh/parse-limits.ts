import type { SeenLimits } from '../../domain/limits.ts';
import { childAt, childrenNamed, type XmlElement } from './xml.ts';

const KILOBITS_PER_KILOBYTE = 8;

/** A positive whole number; libvirt writes what is unlimited as zero, as minus one, or not at all. */
const positive = (text: string | undefined): number | undefined => {
  const trimmed = text?.trim() ?? '';
  return /^[1-9][0-9]{0,14}$/.test(trimmed) ? Number(trimmed) : undefined;
};

const isDisk = (disk: XmlElement): boolean =>
  ['disk', 'lun'].includes(disk.attributes.get('device') ?? 'disk') && childAt(disk, 'readonly') === undefined;

const shaped = (nic: XmlElement, direction: 'inbound' | 'outbound'): number | undefined => {
  const kilobytes = positive(childAt(nic, 'bandwidth', direction)?.attributes.get('average'));
  return kilobytes === undefined ? undefined : kilobytes * KILOBITS_PER_KILOBYTE;
};

/** libvirt limits each vCPU, so that a percentage of one is the percentage of all. */
const quotaPercent = (tune: XmlElement | undefined): number | undefined => {
  const quota = positive(childAt(tune, 'quota')?.text);
  const period = positive(childAt(tune, 'period')?.text) ?? 100_000;
  return quota === undefined ? undefined : Math.round((100 * quota) / period);
};

/** What a domain's XML says of its limits; live XML says what is in force. */
export const readLimits = (domain: XmlElement): SeenLimits => {
  const devices = childAt(domain, 'devices');
  const disks = childrenNamed(devices, 'disk').filter(isDisk);
  const nics = childrenNamed(devices, 'interface');
  const tune = childAt(domain, 'cputune');
  const found = {
    cpuShares: [positive(childAt(tune, 'shares')?.text)],
    cpuQuotaPercent: [quotaPercent(tune)],
    bandwidthInKbps: nics.map((nic) => shaped(nic, 'inbound')),
    bandwidthOutKbps: nics.map((nic) => shaped(nic, 'outbound')),
    readIops: disks.map((disk) => positive(childAt(disk, 'iotune', 'read_iops_sec')?.text)),
    writeIops: disks.map((disk) => positive(childAt(disk, 'iotune', 'write_iops_sec')?.text)),
  };
  const uneven = Object.values(found).some((values) => values.some((value) => value !== values[0]));
  const first = Object.entries(found).flatMap(([name, [value]]) => (value === undefined ? [] : [[name, value]]));
  return { ...Object.fromEntries(first), ...(uneven ? { uneven: true } : {}) };
};
