import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIsoDate, isNaiveDate, parseIsoDate, toAwareDate } from '../../../../src/drivers/records/iso-date.ts';

const two = (n: number): string => String(n).padStart(2, '0');

/** An instant with all of its spellings' parts. */
const instant = fc.record({
  unix: fc.integer({ min: 0, max: 253_000_000_000 }),
  fraction: fc.stringMatching(/^\d{0,9}$/),
  separator: fc.constantFrom('T', 't', ' '),
  point: fc.constantFrom('.', ','),
  compactDate: fc.boolean(),
  compactTime: fc.boolean(),
  offset: fc.option(
    fc.record({
      minutes: fc.integer({ min: -1439, max: 1439 }),
      form: fc.constantFrom('Z', 'z', '+hh:mm', '+hhmm', '+hh:mm:ss'),
    }),
    { nil: undefined },
  ),
});
type Instant = typeof instant extends fc.Arbitrary<infer T> ? T : never;

const spell = ({ unix, fraction, separator, point, compactDate, compactTime, offset }: Instant): string => {
  const zulu = offset === undefined || offset.form.toUpperCase() === 'Z';
  const minutes = zulu ? 0 : offset.minutes;
  const local = new Date((unix + minutes * 60) * 1000).toISOString();
  const date = local.slice(0, 10).replaceAll('-', compactDate ? '' : '-');
  const time = local.slice(11, 19).replaceAll(':', compactTime ? '' : ':');
  const sign = minutes < 0 ? '-' : '+';
  const hhmm = [two(Math.floor(Math.abs(minutes) / 60)), two(Math.abs(minutes) % 60)];
  const seconds = offset?.form === '+hh:mm:ss' ? [...hhmm, '00'] : hhmm;
  const zone = offset === undefined ? '' : zulu ? offset.form : sign + seconds.join(offset.form === '+hhmm' ? '' : ':');
  return date + separator + time + (fraction === '' ? '' : point + fraction) + zone;
};

describe('dates of the shared records', () => {
  it('are read in every form, a naive one as UTC', () => {
    fc.assert(
      fc.property(instant, (parts) => {
        const text = spell(parts);
        fc.pre(parts.unix >= 86_400);
        expect(parseIsoDate(text)).toBe(BigInt(parts.unix));
        expect(isNaiveDate(text)).toBe(parts.offset === undefined);
      }),
      { numRuns: 2_000 },
    );
  });

  it('that are naive become aware, with the same instant and fraction; others stay as they are', () => {
    fc.assert(
      fc.property(instant, (parts) => {
        const text = spell(parts);
        const aware = toAwareDate(text);
        expect(aware === text).toBe(parts.offset !== undefined);
        if (parts.offset !== undefined) return;
        expect(aware).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00$/);
        expect(parseIsoDate(aware)).toBe(BigInt(parts.unix));
        const digits = parts.fraction.slice(0, 6).padEnd(6, '0');
        expect(/\.(\d{6})\+/.exec(aware)?.[1] ?? '000000').toBe(digits);
      }),
      { numRuns: 1_000 },
    );
  });

  it('are written as Python’s isoformat does, and read back', () => {
    expect(formatIsoDate(1_795_230_335n)).toBe('2026-11-21T03:05:35+00:00');
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 221_845_391_999n }), (unix) => {
        expect(parseIsoDate(formatIsoDate(unix))).toBe(unix);
      }),
    );
  });

  it('beyond every calendar are written as the last that leaves room for a grace', () => {
    for (const unix of [2n ** 64n, 2n ** 256n - 1n]) expect(formatIsoDate(unix)).toBe('9000-12-31T23:59:59+00:00');
    expect(formatIsoDate(-5n)).toBe('1970-01-01T00:00:00+00:00');
  });

  it('that were seen on real hosts are read', () => {
    const unix = BigInt(Date.UTC(2026, 10, 21, 3, 5, 35) / 1000);
    for (const text of [
      '2026-11-21T03:05:35.932679+00:00',
      '2026-11-21T03:05:35.932679',
      '2026-11-21T03:05:35Z',
      '2026-11-21T03:05:35.000Z',
      '2026-11-21 03:05:35',
      '2026-11-21T05:05:35+02:00',
      '2026-11-20T22:35:35-0430',
      '20261121T030535Z',
    ]) {
      expect(parseIsoDate(text)).toBe(unix);
    }
    expect(parseIsoDate('2026-11-21')).toBe(unix - 11_135n);
    expect(toAwareDate('2026-11-21')).toBe('2026-11-21T00:00:00+00:00');
  });

  it.each([
    '',
    'soon',
    '2026-13-01',
    '2026-02-29',
    '2026-11-21T24:00:00',
    '2026-11-21T03:60',
    '0000-01-01',
    '2026-11-21T',
    '1795230335',
    '2026-11-21T03:05:35+24:00',
    ' 2026-11-21',
    '2026-11-21T03:05:35 +00:00',
  ])('that are none are refused: %j', (text) => {
    expect(parseIsoDate(text)).toBeUndefined();
    expect(toAwareDate(text)).toBe(text);
  });

  it('never make the reader throw', () => {
    fc.assert(fc.property(fc.string(), (text) => void [parseIsoDate(text), toAwareDate(text)]));
  });
});
