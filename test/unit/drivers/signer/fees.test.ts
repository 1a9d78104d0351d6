import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bumpFees, capOf, withinCap } from '../../../../src/drivers/signer/fees.ts';

const gwei = 1_000_000_000n;
const head = (baseFeePerGas?: bigint) => ({
  number: 1n,
  timestamp: 1n,
  ...(baseFeePerGas === undefined ? {} : { baseFeePerGas }),
});

describe('fees', () => {
  it('of a replacement are at least a tenth higher on both counts, never over the cap, and priority is within the fee', () => {
    const fee = fc.bigInt({ min: 0n, max: 1000n * gwei });
    fc.assert(
      fc.property(fee, fee, fee, fee, fc.bigInt({ min: 1n, max: 5000n * gwei }), (a, b, c, d, cap) => {
        const last = { max: a + b, priority: b };
        const bumped = bumpFees(last, { max: c + d, priority: d }, cap);
        if (bumped === undefined) {
          expect(last.max + last.max / 4n + 1n > cap).toBe(true);
          return;
        }
        expect(bumped.max * 10n > last.max * 11n).toBe(true);
        expect((bumped.priority ?? -1n) * 10n > b * 11n).toBe(true);
        expect(bumped.max <= cap).toBe(true);
        expect((bumped.priority ?? 0n) <= bumped.max).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('without a base fee are a plain price', () => {
    expect(bumpFees({ max: 100n, priority: undefined }, { max: 50n, priority: undefined }, gwei)).toEqual({
      max: 126n,
      priority: undefined,
    });
  });

  it('are cut at the cap as long as the next block would take them, and refused where it would not', () => {
    expect(withinCap({ max: 100n * gwei, priority: gwei }, head(40n * gwei), capOf(50))).toEqual({
      max: 50n * gwei,
      priority: gwei,
    });
    expect(() => withinCap({ max: 100n * gwei, priority: gwei }, head(50n * gwei), capOf(50))).toThrow(/costs more/);
    expect(() => withinCap({ max: 100n * gwei, priority: undefined }, head(), capOf(50))).toThrow(/costs more/);
  });
});
