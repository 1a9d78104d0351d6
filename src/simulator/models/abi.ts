/*
 * Just enough of the contracts' ABI to play a node. Written out by hand and with constants that tests compare with
 * ethers: what is encoded here shares nothing with what decodes it in the drivers, and costs no library's time.
 */

export const SELECTOR = {
  getSubscription: '0xdc311dd3',
  nextSubscriptionId: '0xda58935f',
  ownerOf: '0x6352211e',
  totalSupply: '0x18160ddd',
  aggregate3: '0x82ad56cb',
} as const;

export const TOPIC = {
  SubscriptionCreated: '0xf8d0042297eb90d4c0e69b16b80a93bdee5b71f0a963a1961a4de8c551958b55',
  SubscriptionExtended: '0x80f867aeffc74b04b4f387cfc5572b2a3537d8705579fb696da4019cc8069e09',
  SubscriptionCancelled: '0x66f43ba68b89239cf7af6921b9dcdaf6ce93c7223af7a53e343dbedcc082a104',
  Transfer: '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef',
} as const;

type Word = bigint | number | boolean | string;

/** One word of 32 bytes, without `0x`: a number, a truth, or an address in hexadecimal. */
const word = (value: Word): string => {
  if (typeof value === 'string') return value.slice(2).toLowerCase().padStart(64, '0');
  if (typeof value === 'boolean') return (value ? '1' : '0').padStart(64, '0');
  return value.toString(16).padStart(64, '0');
};

/** Values that each take one word. */
export const words = (...values: readonly Word[]): string => `0x${values.map(word).join('')}`;

const bytesTail = (data: string): string => {
  const digits = data.slice(2);
  return word(digits.length / 2) + digits.padEnd(Math.ceil(digits.length / 64) * 64, '0');
};

/** Fixed values, and one `bytes` after them. */
export const wordsAndBytes = (values: readonly Word[], bytes: string): string =>
  `0x${values.map(word).join('')}${word((values.length + 1) * 32)}${bytesTail(bytes)}`;

const numberAt = (digits: string, atByte: number): number =>
  Number.parseInt(digits.slice(atByte * 2, atByte * 2 + 64), 16);

export interface Call {
  readonly target: string;
  readonly data: string;
}

/** The calls that an `aggregate3` is asked for. */
export const callsOf = (data: string): readonly Call[] => {
  const digits = data.slice(10);
  const list = numberAt(digits, 0);
  const count = numberAt(digits, list);
  const base = list + 32;
  return Array.from({ length: count }, (_, index) => {
    const at = base + numberAt(digits, base + index * 32);
    const bytes = at + numberAt(digits, at + 64);
    const length = numberAt(digits, bytes);
    return {
      target: `0x${digits.slice(at * 2 + 24, at * 2 + 64)}`,
      data: `0x${digits.slice((bytes + 32) * 2, (bytes + 32 + length) * 2)}`,
    };
  });
};

/** What `aggregate3` gives back; undefined where a call was refused. */
export const aggregated = (results: readonly (string | undefined)[]): string => {
  const tails = results.map((data) => word(data !== undefined) + word(64) + bytesTail(data ?? '0x'));
  let offset = results.length * 32;
  const heads = tails.map((tail) => {
    const head = word(offset);
    offset += tail.length / 2;
    return head;
  });
  return `0x${word(32)}${word(results.length)}${heads.join('')}${tails.join('')}`;
};

/** The first argument of a call, as a number; 0 where it has none. */
export const idIn = (data: string): bigint => (data.length >= 74 ? BigInt(`0x${data.slice(10, 74)}`) : 0n);
