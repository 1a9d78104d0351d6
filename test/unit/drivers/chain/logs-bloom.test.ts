import { keccak256 } from 'ethers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bloomMayHold, bloomMayHoldLog } from '../../../../src/drivers/chain/logs-bloom.ts';

const value = fc
  .uint8Array({ minLength: 20, maxLength: 32 })
  .map((bytes) => `0x${Buffer.from(bytes).toString('hex')}` as const);

/** The yellow paper's definition over one big number, as an independent second implementation. */
const bloomOf = (values: readonly string[]): string => {
  let bits = 0n;
  for (const one of values) {
    const hash = BigInt(keccak256(one));
    for (const pair of [0n, 1n, 2n]) bits |= 1n << ((hash >> (256n - 16n * (pair + 1n))) & 2047n);
  }
  return `0x${bits.toString(16).padStart(512, '0')}`;
};

describe('the bloom of a header', () => {
  it('holds everything that was put in', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 12 }), (values) => {
        const bloom = bloomOf(values);
        expect(values.every((one) => bloomMayHold(bloom, one))).toBe(true);
      }),
    );
  });

  it('holds nothing when it is empty, and hardly anything else when it is not', () => {
    fc.assert(fc.property(value, (one) => !bloomMayHold(bloomOf([]), one)));
    let chance = 0;
    fc.assert(
      fc.property(value, value, (put, other) => {
        if (put !== other && bloomMayHold(bloomOf([put]), other)) chance += 1;
      }),
      { numRuns: 500 },
    );
    expect(chance).toBeLessThan(3);
  });

  it('names a log only by address and topic together', () => {
    const [address, topic] = [`0x${'a1'.repeat(20)}`, `0x${'b2'.repeat(32)}`] as const;
    expect(bloomMayHoldLog(bloomOf([address, topic]), [address], [topic])).toBe(true);
    expect(bloomMayHoldLog(bloomOf([address]), [address], [topic])).toBe(false);
  });
});
