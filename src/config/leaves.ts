import { isAbsolute } from 'node:path';
import * as z from 'zod';
import type { Address } from '../domain/identity.ts';

/** Schemas of single values; each one's error says what is wanted, and `check` puts the rest of the sentence before it. */

const ADDRESS = /^0x[0-9a-f]{40}$/i;
const ZERO = /^0x0{40}$/i;

/** An address, in lower case. */
export const address = z
  .string({ error: 'an address: 0x and 40 hexadecimal digits' })
  .regex(ADDRESS, { error: 'an address: 0x and 40 hexadecimal digits' })
  .refine((text) => !ZERO.test(text), { error: 'an address other than zero' })
  .transform((text) => text.toLowerCase() as Address);

const absent = (value: unknown): boolean => value === undefined || value === null || value === '';

/** In files of others, an empty value, and for addresses zero, mean that nobody has filled it in yet. */
export const orBlank = <T>(schema: z.ZodType<T>): z.ZodType<T | undefined> =>
  z.preprocess(
    (value) => (absent(value) || (typeof value === 'string' && ZERO.test(value)) ? undefined : value),
    schema.optional(),
  ) as unknown as z.ZodType<T | undefined>;

const urlOf = (protocols: readonly string[], wanted: string): z.ZodType<string> =>
  z.string({ error: wanted }).refine((text) => protocols.includes(protocolOf(text)), { error: wanted });

const protocolOf = (text: string): string => {
  try {
    return new URL(text).protocol;
  } catch {
    return '';
  }
};

export const httpUrl = urlOf(['http:', 'https:'], 'a URL that begins with http:// or https://');
export const webSocketUrl = urlOf(['ws:', 'wss:'], 'a URL that begins with ws:// or wss://');

/** A whole number; files of others may have it in quotes. */
export const whole = (min: number, max: number, what = 'a whole number'): z.ZodType<number> => {
  const wanted = `${what} from ${min} to ${max}`;
  return z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,15}$/.test(value.trim()) ? Number(value) : value),
    z.number({ error: wanted }).int({ error: wanted }).min(min, { error: wanted }).max(max, { error: wanted }),
  );
};

/** Chain ids are below 2^53 / 2 by EIP-2294. */
export const chainId = whole(1, 4_503_599_627_370_476, 'a chain id: a whole number');

export const days = whole(0, 3650, 'a whole number of days');

export const absolutePath = z
  .string({ error: 'an absolute path' })
  .refine((path) => isAbsolute(path) && !path.includes('\0') && !path.split('/').includes('..'), {
    error: 'an absolute path without ..',
  });

/** The name of a zone without a dot at its end. */
export const dnsZone = z
  .string({ error: 'the name of a DNS zone' })
  .transform((text) => text.replace(/\.$/, ''))
  .refine((text) => /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/i.test(text), { error: 'the name of a DNS zone' });

/** A number of ether's smallest units, in gwei, with decimals. */
export const gwei = z
  .number({ error: 'a number of gwei' })
  .positive({ error: 'a number of gwei' })
  .max(1_000_000, { error: 'at most 1000000 gwei' });

/** Names that end up as an argument of a command: no blanks, no leading dash, nothing that a shell or XML would read. */
export const plainName = (what: string): z.ZodType<string> => {
  const wanted = `${what}: letters, digits, dot, dash and underscore, not beginning with a dash`;
  return z.string({ error: wanted }).regex(/^[A-Za-z0-9_][\w.-]{0,63}$/, { error: wanted });
};
