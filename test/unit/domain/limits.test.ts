import { describe, expect, it } from 'vitest';
import { changeLimits, limitsMissing } from '../../../src/domain/limits.ts';

describe('wanted limits', () => {
  it('are additive, and 0 takes one away, with a line for each change (interop §8)', () => {
    const before = { cpuQuotaPercent: 50, readIops: 100 };
    expect(changeLimits(before, { writeIops: 200, readIops: 0, cpuQuotaPercent: 50 }, false)).toEqual({
      limits: { cpuQuotaPercent: 50, writeIops: 200 },
      changes: ['read operations: unlimited', 'write operations: 200/s'],
    });
  });

  it('a reset takes all away before the rest counts', () => {
    expect(changeLimits({ cpuShares: 5, readIops: 100 }, { readIops: 100 }, true)).toEqual({
      limits: { readIops: 100 },
      changes: ['cpu shares: unlimited'],
    });
    expect(changeLimits({}, {}, true)).toEqual({ limits: {}, changes: [] });
  });
});

describe('limits in force', () => {
  it.each([
    ['nothing wanted, nothing set', {}, {}, []],
    ['another number', { readIops: 100 }, { readIops: 50 }, ['readIops']],
    ['one too many', {}, { cpuQuotaPercent: 50 }, ['cpuQuotaPercent']],
    ['the usual weight of either generation is none', {}, { cpuShares: 1024 }, []],
    ['the usual weight of the newer one, too', {}, { cpuShares: 100 }, []],
    ['the least weight of the older generation is 2', { cpuShares: 1 }, { cpuShares: 2 }, []],
    ['a weight that nobody set', { cpuShares: 300 }, {}, ['cpuShares']],
    ['kilobits that are one number of kilobytes', { bandwidthInKbps: 100 }, { bandwidthInKbps: 104 }, []],
    ['less than a kilobyte is a kilobyte', { bandwidthOutKbps: 1 }, { bandwidthOutKbps: 8 }, []],
    [
      'disks that are not alike',
      { readIops: 100 },
      { readIops: 100, uneven: true as const },
      ['readIops', 'writeIops'],
    ],
  ])('%s', (_, wanted, seen, missing) => {
    expect(limitsMissing(wanted, seen)).toEqual(missing);
  });
});
