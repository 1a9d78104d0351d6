import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CursorBlock } from '../../../../src/domain/chain-cursor.ts';
import { append, blockAt, continues, rewind, tipOf } from '../../../../src/domain/cursor/ring.ts';
import { FIRST_SPAN, growSpan, LARGEST_SPAN, shrinkSpan } from '../../../../src/domain/cursor/span.ts';
import { createTouchedBlocks } from '../../../../src/domain/cursor/touched-blocks.ts';

const block = (number: number): CursorBlock => ({
  number: BigInt(number),
  hash: `h${number}`,
  parentHash: `h${number - 1}`,
});
const ringOf = (from: number, count: number): CursorBlock[] =>
  Array.from({ length: count }, (_, index) => block(from + index));

describe('the ring of the last blocks (C2)', () => {
  it('keeps at most its capacity, always the newest, always linked', () => {
    fc.assert(
      fc.property(
        fc.nat(1000),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 100 }),
        (from, capacity, count) => {
          let ring: readonly CursorBlock[] = [block(from)];
          for (let n = 1; n <= count; n += 1) ring = append(ring, block(from + n), capacity);
          expect(ring).toEqual(ringOf(from, count + 1).slice(-capacity));
          for (const one of ring) expect(blockAt(ring, one.number)).toBe(one);
          expect(tipOf(ring)?.number).toBe(BigInt(from + count));
        },
      ),
    );
  });

  it('takes no block that is not the child of its tip', () => {
    const ring = ringOf(5, 3);
    expect(continues(ring, block(8))).toBe(true);
    expect(continues(ring, { ...block(8), parentHash: 'other' })).toBe(false);
    expect(continues(ring, { ...block(9), parentHash: 'h7' })).toBe(false);
    expect(continues([], block(8))).toBe(false);
    expect(() => append(ring, block(9), 10)).toThrow(RangeError);
  });

  it('is cut at a fork without losing or inventing a block', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 90, max: 160 }), (count, at) => {
        const ring = ringOf(100, count);
        const { kept, removed } = rewind(ring, BigInt(at));
        expect([...kept, ...removed]).toEqual(ring);
        expect(kept.every(({ number }) => number <= BigInt(at))).toBe(true);
        expect(removed.every(({ number }) => number > BigInt(at))).toBe(true);
      }),
    );
  });

  it('has no block below or above itself', () => {
    expect(blockAt(ringOf(5, 3), 4n)).toBeUndefined();
    expect(blockAt(ringOf(5, 3), 8n)).toBeUndefined();
    expect(blockAt([], 1n)).toBeUndefined();
    expect(tipOf([])).toBeUndefined();
  });
});

describe('the span of ranged reads (C3)', () => {
  it('stays within its bounds whatever happens, reaches both, and grows by half', () => {
    const seen = new Set<number>();
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (outcomes) => {
        let span = FIRST_SPAN;
        for (const good of outcomes) {
          const next = good ? growSpan(span) : shrinkSpan(span);
          if (good) expect(next).toBeGreaterThanOrEqual(span);
          else expect(next).toBeLessThanOrEqual(span);
          span = next;
          seen.add(span);
        }
      }),
    );
    expect(seen.size).toBeGreaterThan(20);
    let smallest = FIRST_SPAN;
    for (let n = 0; n < 12; n += 1) smallest = shrinkSpan(smallest);
    expect(smallest).toBe(1);
    for (let span = FIRST_SPAN, n = 0; n < 20; n += 1) {
      span = growSpan(span);
      expect(span).toBeLessThanOrEqual(LARGEST_SPAN);
    }
    expect(growSpan(1)).toBe(2);
    expect(growSpan(500)).toBe(750);
  });
});

describe('what recent blocks touched (C6)', () => {
  const ref = (subscriptionId: bigint) =>
    ({ chainId: 1, contract: '0x00000000000000000000000000000000000000a1', subscriptionId }) as const;

  it('is told once per id, for the blocks that are asked for, until they are settled', () => {
    const touched = createTouchedBlocks();
    touched.note(block(1), { refs: [ref(1n)], tokens: [] });
    touched.note(block(2), { refs: [ref(2n), ref(1n)], tokens: [9n] });
    touched.note(block(3), { refs: [], tokens: [9n] });
    expect(touched.in(['h2', 'h1', 'h3'])).toEqual({ refs: [ref(2n), ref(1n)], tokens: [9n] });
    touched.forgetUpTo(2n);
    expect(touched.in(['h2', 'h1', 'h3'])).toEqual({ refs: [], tokens: [9n] });
  });
});
