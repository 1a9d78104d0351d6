import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { duration, formatDuration, LONGEST_MS, parseDuration } from '../../../src/config/duration.ts';

describe('parseDuration', () => {
  it.each([
    ['90s', 90_000],
    ['15m', 900_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['500ms', 500],
    ['2w', 1_209_600_000],
    [' 5 m ', 300_000],
    ['0', 0],
    [0, 0],
    ['0d', 0],
  ])('reads %j as %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    '30',
    30,
    '',
    '-1s',
    '1.5h',
    '1h30m',
    '7D',
    '7 days',
    '1e3s',
    '٣s',
    null,
    undefined,
    [],
    '3651d',
    '999999999999999w',
  ])('does not guess what %j means', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it('reads back what formatDuration writes, for every duration', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: LONGEST_MS }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });

  it('is the number times its unit, for every number and unit', () => {
    const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
    fc.assert(
      fc.property(fc.nat(500), fc.constantFrom(...(Object.keys(units) as (keyof typeof units)[])), (count, unit) => {
        expect(parseDuration(`${count}${unit}`)).toBe(count * units[unit]);
      }),
    );
  });

  it('gives a whole number within bounds, or nothing, for any text at all', () => {
    const near = fc
      .tuple(fc.string(), fc.constantFrom('ms', 's', 'm', 'h', 'd', 'w', ''))
      .map(([text, unit]) => text + unit);
    fc.assert(
      fc.property(fc.oneof(fc.anything(), near, fc.stringMatching(/^\d{1,16} ?(ms|s|m|h|d|w)$/)), (value) => {
        const ms = parseDuration(value);
        if (ms !== undefined) expect(Number.isSafeInteger(ms) && ms >= 0 && ms <= LONGEST_MS).toBe(true);
      }),
    );
  });
});

describe('duration', () => {
  it('keeps its bounds and names them', () => {
    const schema = duration({ minMs: 1000, maxMs: 60_000 });
    expect(schema.parse('1s')).toBe(1000);
    expect(schema.parse('1m')).toBe(60_000);
    for (const value of ['999ms', '61s', 'x', 5, null]) {
      expect(schema.safeParse(value).error?.issues.map(({ message }) => message)).toEqual([
        'a duration such as 90s, 15m, 24h or 7d, from 1s to 1m',
      ]);
    }
  });
});
