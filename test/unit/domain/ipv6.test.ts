import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIpv6, parseIpv6, parseIpv6Network } from '../../../src/domain/ipv6.ts';

const bits = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
const sparse = fc
  .array(fc.constantFrom(0n, 0n, 0n, 1n, 0xdb8n, 0xffffn), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.reduce<bigint>((sum, group) => (sum << 16n) | group, 0n));

describe('an IPv6 address', () => {
  it.each([
    ['::', 0n],
    ['::1', 1n],
    ['fd00::100', (0xfd00n << 112n) | 0x100n],
    ['FD00:0::0100', (0xfd00n << 112n) | 0x100n],
    ['::ffff:192.0.2.1', (0xffffn << 32n) | 0xc0000201n],
  ])('%s is read in every spelling', (text, wanted) => expect(parseIpv6(text)).toBe(wanted));

  it.each([
    '',
    ':',
    ':::',
    '1::2::3',
    '12345::',
    'g::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '::1%eth0',
    '::256.1.1.1',
    '1.2.3.4',
  ])('%j is none', (text) => expect(parseIpv6(text)).toBeUndefined());

  it('is spelled as every other program spells it', () => {
    fc.assert(
      fc.property(fc.oneof(bits, sparse), (address) => {
        const text = formatIpv6(address);
        expect(text).toBe(new URL(`http://[${text}]`).hostname.slice(1, -1));
        expect(parseIpv6(text)).toBe(address);
      }),
      { numRuns: 2000 },
    );
  });

  it('is one exactly where Node says so (zones aside)', () => {
    const char = fc.constantFrom(':', '::', '0', '1', 'ff', 'db8', '.', '1.2.3.4', 'g');
    fc.assert(
      fc.property(fc.array(char, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        expect(parseIpv6(text) !== undefined).toBe(isIPv6(text));
      }),
      { numRuns: 5000 },
    );
  });

  it('lies in a network whose host bits do not count', () => {
    expect(parseIpv6Network('2001:db8::77/120')).toEqual({ network: parseIpv6('2001:db8::'), bits: 120 });
    for (const text of ['2001:db8::', '2001:db8::/129', '2001:db8::/', 'x/120']) {
      expect(parseIpv6Network(text)).toBeUndefined();
    }
  });
});
