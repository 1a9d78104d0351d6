import type { RecordPatch } from '../../domain/record.ts';
import type { RecordSeed } from '../../ports/records.ts';
import { formatIsoDate, isNaiveDate, parseIsoDate, toAwareDate, writableUnix } from './iso-date.ts';
import { type Container, filterSlots, type Layout, memberText, quote, setMember } from './json-text.ts';
import { dateKeys } from './record-reader.ts';

/** Members by name; their values as JSON text, or null to take the member away. */
type Members = readonly (readonly [key: string, value: string | null])[];

/** The record with a patch applied; the very same record where nothing differs. */
export const patchRecord = (record: Container, patch: RecordPatch, layout: Layout): Container => {
  const changed = setMembers(record, membersOfPatch(patch), layout);
  // The Go watchdog and the engine want a string here, so whoever writes the record puts that right.
  return changed === record || memberText(changed, 'ipv6_address') !== 'null'
    ? changed
    : setMember(changed, 'ipv6_address', '""', layout);
};

/** The host's Python library calls a machine that is reached through the broker so, and takes it for granted. */
const NETWORK_MODE = quote('broker');

/** A whole record of ours, written over `before`: a destroyed machine's record, or an empty one. Foreign members stay. */
export const seedRecord = (before: Container, seed: RecordSeed, layout: Layout): Container => {
  const owner = quote(seed.owner);
  const sameToken = seed.nftTokenId !== undefined && memberText(before, 'nft_token_id') === `${seed.nftTokenId}`;
  const members: Members = [
    ['vm_name', quote(seed.name)],
    ['vmid', memberText(before, 'vmid') ?? '0'],
    ['ip_address', quote(seed.ipAddress)],
    ['ipv6_address', quote(seed.ipv6Address)],
    ['expires_at', quote(formatIsoDate(seed.expiresAtUnix))],
    ['owner', owner],
    ['status', quote(seed.status)],
    ['created_at', quote(formatIsoDate(seed.createdAtUnix))],
    ['purpose', memberText(before, 'purpose') ?? '""'],
    ['wallet_address', owner],
    ['owner_wallet', owner],
    ['username', quote(seed.username)],
    ['network_mode', memberText(before, 'network_mode') ?? NETWORK_MODE],
    ['gecos_synced', 'true'],
    ['suspended_at', seed.suspendedAtUnix === undefined ? null : quote(formatIsoDate(seed.suspendedAtUnix))],
    ['destroyed_at', seed.status === 'destroyed' ? (memberText(before, 'destroyed_at') ?? null) : null],
    ...tokenMembers(seed, sameToken),
  ];
  return setMembers(before, members, layout);
};

/** The record with every date comparable for Python; the very same record where all are. */
export const healDates = (record: Container, layout: Layout): Container => {
  const naive = dateKeys.flatMap((key): Members => {
    const date = dateOf(record, key);
    return date !== undefined && isNaiveDate(date) ? [[key, quote(toAwareDate(date))]] : [];
  });
  return setMembers(record, naive, layout);
};

/** The token of a machine that had the name before says nothing about this one (D25). */
const tokenMembers = (seed: RecordSeed, sameToken: boolean): Members => {
  const minted: Members = seed.nftMinted === undefined ? [] : [['nft_minted', String(seed.nftMinted)]];
  const forgotten: Members = [
    ['nft_minted', null],
    ['nft_minted_at', null],
  ];
  const token: Members = [['nft_token_id', seed.nftTokenId === undefined ? null : `${seed.nftTokenId}`]];
  return sameToken ? [...token, ...minted] : [...token, ...forgotten, ...minted];
};

const membersOfPatch = (patch: RecordPatch): Members => {
  const date = (key: string, unix: bigint | null | undefined): Members =>
    unix === undefined ? [] : [[key, unix === null ? null : quote(formatIsoDate(unix))]];
  const text = (key: string, value: string | undefined): Members => (value === undefined ? [] : [[key, quote(value)]]);
  return [
    ...text('status', patch.status),
    ...date('expires_at', patch.expiresAtUnix),
    ...date('suspended_at', patch.suspendedAtUnix),
    ...date('destroyed_at', patch.destroyedAtUnix),
    ...text('ip_address', patch.ipAddress),
    ...text('ipv6_address', patch.ipv6Address),
    ...text('owner', patch.owner),
    ...text('wallet_address', patch.owner),
    ...text('owner_wallet', patch.owner),
    ...(patch.gecosSynced === undefined ? [] : [['gecos_synced', String(patch.gecosSynced)] as const]),
  ];
};

const setMembers = (record: Container, members: Members, layout: Layout): Container =>
  members.reduce((done, [key, value]) => {
    if (value === null) return filterSlots(done, (slot) => slot.key !== key);
    return isSame(done, key, value) ? done : setMember(done, key, value, layout);
  }, record);

/** The same instant, or the same address in other capitals, is no change: whoever wrote it may compare it as text. */
const isSame = (record: Container, key: string, value: string): boolean => {
  const there = memberText(record, key);
  if (there === value) return true;
  // Two large numbers can be one to JavaScript: what is no string is compared as text alone.
  if (!there?.startsWith('"') || !value.startsWith('"')) return false;
  const [before, after] = [String(JSON.parse(there)), String(JSON.parse(value))];
  if (/^0x[0-9a-f]{40}$/i.test(before)) return before.toLowerCase() === after.toLowerCase();
  const unix = isDateKey(key) && !isNaiveDate(before) ? parseIsoDate(before) : undefined;
  const wanted = unix === undefined ? undefined : parseIsoDate(after);
  return before === after || (unix !== undefined && wanted !== undefined && writableUnix(unix) === wanted);
};

const isDateKey = (key: string): boolean => dateKeys.some((dateKey) => dateKey === key);

const dateOf = (record: Container, key: string): string | undefined => {
  const value = memberText(record, key);
  return value?.startsWith('"') ? String(JSON.parse(value)) : undefined;
};
