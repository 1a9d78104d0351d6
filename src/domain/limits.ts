import type { Limits } from './journal/memory.ts';

/** What libvirt says is in force for a running domain. */
export interface SeenLimits extends Limits {
  /** Its disks, or its interfaces, are limited differently: somebody else did that, or it was broken off. */
  readonly uneven?: true;
}

export type LimitName = keyof Limits;

/** Every limit in the order in which it is told, with its words. */
export const LIMITS: Readonly<Record<LimitName, { readonly says: string; readonly unit: string }>> = {
  cpuShares: { says: 'cpu shares', unit: '' },
  cpuQuotaPercent: { says: 'cpu quota', unit: '% of its vCPUs' },
  bandwidthInKbps: { says: 'bandwidth in', unit: ' kbit/s' },
  bandwidthOutKbps: { says: 'bandwidth out', unit: ' kbit/s' },
  readIops: { says: 'read operations', unit: '/s' },
  writeIops: { says: 'write operations', unit: '/s' },
};
export const LIMIT_NAMES = Object.keys(LIMITS) as readonly LimitName[];

/** What libvirt calls the weight of a machine that nobody weighed, in the two generations of control groups. */
const USUAL_SHARES: ReadonlySet<number> = new Set([100, 1024]);
/** The older generation knows no smaller weight. */
const LEAST_SHARES = 2;

const sharesHeld = (wanted: number | undefined, seen: number | undefined): boolean =>
  wanted === seen ||
  (wanted === undefined && seen !== undefined && USUAL_SHARES.has(seen)) ||
  (wanted !== undefined && wanted < LEAST_SHARES && seen === LEAST_SHARES);

/** libvirt shapes in whole kilobytes a second, so neighbouring numbers of kilobits are one limit. */
export const kilobytesOf = (kbps: number | undefined): number =>
  kbps === undefined ? 0 : Math.max(1, Math.round(kbps / 8));

/** Which of the wanted limits are not those in force. */
export const limitsMissing = (wanted: Limits, seen: SeenLimits): readonly LimitName[] => {
  const held: Readonly<Record<LimitName, boolean>> = {
    cpuShares: sharesHeld(wanted.cpuShares, seen.cpuShares),
    cpuQuotaPercent: wanted.cpuQuotaPercent === seen.cpuQuotaPercent,
    bandwidthInKbps: kilobytesOf(wanted.bandwidthInKbps) === kilobytesOf(seen.bandwidthInKbps),
    bandwidthOutKbps: kilobytesOf(wanted.bandwidthOutKbps) === kilobytesOf(seen.bandwidthOutKbps),
    readIops: wanted.readIops === seen.readIops && seen.uneven !== true,
    writeIops: wanted.writeIops === seen.writeIops && seen.uneven !== true,
  };
  return LIMIT_NAMES.filter((name) => !held[name]);
};

/** What is asked: a number for each limit that is to change, 0 for none. */
export type AskedLimits = { readonly [Name in LimitName]?: number | undefined };

/** The wanted limits after a request, and a line for each that changed. `reset` takes all away before the rest counts. */
export const changeLimits = (
  before: Limits,
  asked: AskedLimits,
  reset: boolean,
): { readonly limits: Limits; readonly changes: readonly string[] } => {
  const next: { [Name in LimitName]?: number | undefined } = reset ? {} : { ...before };
  for (const name of LIMIT_NAMES) {
    const value = asked[name];
    if (value === undefined) continue;
    if (value === 0) delete next[name];
    else next[name] = value;
  }
  const changes = LIMIT_NAMES.filter((name) => next[name] !== before[name]).map((name) => {
    const { says, unit } = LIMITS[name];
    return `${says}: ${next[name] === undefined ? 'unlimited' : `${next[name]}${unit}`}`;
  });
  const limits = Object.fromEntries(
    LIMIT_NAMES.flatMap((name) => (next[name] === undefined ? [] : [[name, next[name]]])),
  );
  return { limits, changes };
};
