import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  filterSlots,
  joinContainer,
  memberText,
  quote,
  setMember,
  splitContainer,
} from '../../../../src/drivers/records/json-text.ts';

const layout = { lead: '\n  ', closing: '\n' };
const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
const number = fc.stringMatching(/^-?(0|[1-9]\d{0,30})(\.\d{1,20})?([eE][+-]?\d{1,3})?$/);

/** A string in one of the many spellings that JSON has for it. */
const anyString = fc
  .array(
    fc.oneof(
      fc.constantFrom('\\"', '\\\\', '\\/', '\\n', '\\u00e9', '\\ud83d', '{', '}', '[', ']', ',', ':', 'é', '😀'),
      fc.stringMatching(/^[ !#-[\]-~]$/),
    ),
    { maxLength: 8 },
  )
  .map((parts) => `"${parts.join('')}"`);

/** Texts of JSON values with white space and spellings that no printer would choose. */
const { value } = fc.letrec<{ value: string }>((tie) => {
  const padded = fc.tuple(space, tie('value'), space).map((parts) => parts.join(''));
  const member = fc.tuple(space, anyString, space, padded).map(([a, key, b, text]) => `${a}${key}${b}:${text}`);
  const list = (items: string[], empty: string): string => (items.length === 0 ? empty : items.join(','));
  return {
    value: fc.oneof(
      { depthSize: 'small' },
      number,
      anyString,
      fc.constantFrom('true', 'false', 'null'),
      fc.tuple(fc.array(member, { maxLength: 4 }), space).map(([members, empty]) => `{${list(members, empty)}}`),
      fc.tuple(fc.array(padded, { maxLength: 4 }), space).map(([items, empty]) => `[${list(items, empty)}]`),
    ),
  };
});
const container = value.filter((text) => /^[{[]/.test(text));
const object = value.filter((text) => text.startsWith('{'));

describe('JSON as text', () => {
  it('is the same, byte for byte, after being taken apart and put together', () => {
    fc.assert(
      fc.property(container, (text) => {
        JSON.parse(text);
        expect(joinContainer(splitContainer(text))).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });

  it('has the members that JSON.parse finds, the last of a name that stands twice', () => {
    fc.assert(
      fc.property(object, (text) => {
        const parsed = new Map<string, unknown>(Object.entries(JSON.parse(text)));
        const split = splitContainer(text);
        expect(new Set(split.slots.map(({ key }) => key))).toEqual(new Set(parsed.keys()));
        for (const [key, wanted] of parsed) expect(JSON.parse(memberText(split, key) ?? '')).toEqual(wanted);
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps every other member’s bytes when one is set or taken away', () => {
    fc.assert(
      fc.property(object, fc.string(), value, (text, key, replacement) => {
        const split = splitContainer(text);
        const changed = splitContainer(joinContainer(setMember(split, key, replacement, layout)));
        expect(memberText(changed, key)).toBe(replacement);
        const others = (from: typeof split) =>
          from.slots.filter((slot) => slot.key !== key).map(({ rawKey, value }) => rawKey + value);
        expect(others(changed)).toEqual(others(split));
        const without = joinContainer(filterSlots(changed, (slot) => slot.key !== key));
        JSON.parse(without);
        expect(others(splitContainer(without))).toEqual(others(split));
      }),
      { numRuns: 1_000 },
    );
  });

  it('gets strings in ASCII that mean the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(JSON.parse(quote(text))).toBe(text);
        expect(quote(text)).toMatch(/^[ -~]*$/);
      }),
    );
  });
});
