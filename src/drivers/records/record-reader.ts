import * as z from 'zod';
import type { VmRecord } from '../../domain/record.ts';
import { isNaiveDate, parseIsoDate } from './iso-date.ts';

/** The members of a record that hold dates. */
export const dateKeys = ['expires_at', 'suspended_at', 'destroyed_at', 'created_at', 'nft_minted_at'] as const;

const text = z.string().max(1024).nullish();
const date = z
  .string()
  .refine((value) => parseIsoDate(value) !== undefined, 'no date')
  .nullish();
const wholeNumber = z.number().refine((value) => Number.isInteger(value) && value >= 0, 'no token id');

const recordSchema = z.object({
  status: z.enum(['active', 'suspended', 'destroyed']),
  ip_address: text,
  ipv6_address: text,
  owner: text,
  wallet_address: text,
  owner_wallet: text,
  username: text,
  expires_at: date,
  suspended_at: date,
  destroyed_at: date,
  created_at: date,
  nft_token_id: z.union([wholeNumber, z.string().regex(/^\d{1,78}$/)]).nullish(),
  nft_minted: z.boolean().nullish(),
  gecos_synced: z.boolean().nullish().catch(undefined), // a word too many never hides a machine
});

const nameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/, 'no name of a machine');

/** A record that could be read, or why it could not. */
export type ReadRecord =
  | { readonly ok: true; readonly record: VmRecord }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads one record. `exactNumber` gives a number's digits as they are in the file, for one that is too large for a
 * JavaScript number.
 */
export const readRecord = (
  name: string,
  json: unknown,
  exactNumber: (key: string) => string | undefined,
): ReadRecord => {
  const parsedName = nameSchema.safeParse(name);
  const parsed = recordSchema.safeParse(json);
  if (!parsedName.success) return { ok: false, problem: firstIssue(parsedName.error) };
  if (!parsed.success) return { ok: false, problem: firstIssue(parsed.error) };
  const raw = parsed.data;
  const token = readToken(raw.nft_token_id, exactNumber);
  if (token === 'unreadable') return { ok: false, problem: 'nft_token_id: no token id' };
  const ownerWallet = raw.owner_wallet ?? raw.wallet_address;
  const dates = {
    expiresAtUnix: optionalDate(raw.expires_at),
    suspendedAtUnix: optionalDate(raw.suspended_at),
    destroyedAtUnix: optionalDate(raw.destroyed_at),
    createdAtUnix: optionalDate(raw.created_at),
    nftTokenId: token,
    ownerWallet: ownerWallet ?? undefined,
  };
  const record: VmRecord = {
    name,
    status: raw.status,
    ipAddress: raw.ip_address ?? '',
    ipv6Address: raw.ipv6_address ?? '',
    owner: raw.owner ?? ownerWallet ?? '',
    username: raw.username ?? '',
    nftMinted: raw.nft_minted === true,
    ...(raw.gecos_synced === false ? { gecosSynced: false } : {}),
    ...withoutUndefined(dates),
  };
  return { ok: true, record };
};

/** The date members of a record that Python could not compare with its own clock. */
export const naiveDateKeys = (json: unknown): readonly string[] => {
  if (typeof json !== 'object' || json === null) return [];
  const record = new Map<string, unknown>(Object.entries(json));
  return dateKeys.filter((key) => {
    const value = record.get(key);
    return typeof value === 'string' && isNaiveDate(value);
  });
};

const readToken = (
  value: number | string | null | undefined,
  exactNumber: (key: string) => string | undefined,
): bigint | undefined | 'unreadable' => {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'string' || Number.isSafeInteger(value)) return BigInt(value);
  const digits = exactNumber('nft_token_id');
  return digits !== undefined && /^\d{1,78}$/.test(digits) ? BigInt(digits) : 'unreadable';
};

const optionalDate = (value: string | null | undefined): bigint | undefined =>
  typeof value === 'string' ? parseIsoDate(value) : undefined;

type WithoutUndefined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

const withoutUndefined = <T extends object>(value: T): WithoutUndefined<T> => {
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries) as WithoutUndefined<T>;
};

const firstIssue = (error: z.ZodError): string => {
  const issue = error.issues[0];
  return issue === undefined ? 'wrong type' : `${issue.path.join('.') || 'record'}: ${issue.message}`;
};
