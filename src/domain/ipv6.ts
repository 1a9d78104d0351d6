/** The 128 bits of an IPv6 address in any of its spellings (without a zone); undefined where it is none. */
export const parseIpv6 = (text: string): bigint | undefined => {
  const halves = withoutDottedTail(text).split('::');
  if (halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const gap = 8 - head.length - tail.length;
  if (halves.length === 2 ? gap < 1 : gap !== 0) return undefined;
  const groups = [...head, ...Array.from({ length: halves.length === 2 ? gap : 0 }, () => '0'), ...tail];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
};

/** The canonical spelling (RFC 5952): lower case, the longest run of zero groups left out. */
export const formatIpv6 = (bits: bigint): string => {
  const groups = Array.from({ length: 8 }, (_, i) => Number((bits >> BigInt(112 - 16 * i)) & 0xffffn));
  const run = longestZeroRun(groups);
  const hex = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return run.length < 2 ? hex(0, 8) : `${hex(0, run.start)}::${hex(run.start + run.length, 8)}`;
};

/** The network address of `2001:db8::/120`, whatever host bits it is written with; undefined where it is no network. */
export const parseIpv6Network = (prefix: string): { readonly network: bigint; readonly bits: number } | undefined => {
  const [address = '', length = ''] = prefix.split('/');
  const parsed = parseIpv6(address);
  const bits = Number(length);
  if (parsed === undefined || !/^\d{1,3}$/.test(length) || bits > 128) return undefined;
  const hostBits = BigInt(128 - bits);
  return { network: (parsed >> hostBits) << hostBits, bits };
};

/** `::ffff:192.0.2.1` with its last 32 bits as two groups; what is no such tail stays, and is refused by its dots. */
const withoutDottedTail = (text: string): string =>
  text.replace(
    /(?<=:)(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/,
    (dotted, ...parts: string[]) => {
      const [a = 256, b = 256, c = 256, d = 256] = parts.slice(0, 4).map(Number);
      if (Math.max(a, b, c, d) > 255) return dotted;
      return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
    },
  );

const longestZeroRun = (groups: readonly number[]): { readonly start: number; readonly length: number } => {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [i, group] of groups.entries()) {
    if (group !== 0) start = i + 1;
    else if (i + 1 - start > best.length) best = { start, length: i + 1 - start };
  }
  return best;
};
