import { RecordsError } from '../../domain/errors.ts';
import type { Registration, RegistrationMark } from '../../ports/records.ts';
import { isListed, withoutAddress } from './address-list.ts';
import { formatIsoDate, parseIsoDate } from './iso-date.ts';
import { type Container, filterSlots, memberText, quote, setMember } from './json-text.ts';
import { claim, onAddresses, onMember, onObject, onRecord } from './on-top.ts';
import { seedRecord } from './record-edit.ts';
import type { RecordsDocument } from './records-document.ts';

const refused = (message: string, code: string): RecordsError =>
  new RecordsError(message, { code, retryable: true, hint: 'run the command again' });

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const expectFree = (document: RecordsDocument, registration: Registration): void => {
  const { name, ipAddress, ipv6Address, nftTokenId } = registration;
  const there = document.vms.get(name);
  if (document.vms.has(name) && !(isObject(there) && there.status === 'destroyed'))
    throw refused(`the records have a machine called ${name}`, 'name-taken');
  for (const [list, address] of [
    [document.allocatedIps, ipAddress],
    [document.allocatedIpv6, ipv6Address],
  ] as const) {
    if (isListed(list, address)) throw refused(`${address} was given away a moment ago`, 'address-taken');
  }
  const reserved = document.reservations.get(String(nftTokenId));
  if (reserved !== undefined && !(isObject(reserved) && reserved.vm_name === name))
    throw refused(`token ${nftTokenId} was reserved a moment ago`, 'token-taken');
};

/** A record, its addresses and its reservation at once: whoever reads the file sees all of it or nothing. */
export const registerInto = (top: Container, document: RecordsDocument, registration: Registration): Container => {
  expectFree(document, registration);
  const { name, ipAddress, ipv6Address, nftTokenId, createdAtUnix } = registration;
  const entered = onRecord(top, name, (record, layout) =>
    seedRecord(record, { ...registration, nftMinted: false }, layout),
  );
  return onObject(claim(entered, ipAddress, ipv6Address), 'reserved_nft_tokens', (tokens, layout) => {
    const key = String(nftTokenId);
    // The caller reserved it himself: his entry stays as it is.
    if (memberText(tokens, key) !== undefined) return tokens;
    return onMember(
      tokens,
      key,
      (entry, inner) =>
        [
          ['vm_name', quote(name)],
          ['status', quote('reserved')],
          ['reserved_at', quote(formatIsoDate(createdAtUnix))],
        ].reduce((done, [member = '', value = '']) => setMember(done, member, value, inner), entry),
      layout,
    );
  });
};

const isInstant = (value: unknown, unix: bigint): boolean => typeof value === 'string' && parseIsoDate(value) === unix;

/** A record that another create, another program or nobody made is left alone. */
export const unregisterFrom = (top: Container, document: RecordsDocument, mark: RegistrationMark): Container => {
  const record = document.vms.get(mark.name);
  const reservation = document.reservations.get(String(mark.nftTokenId));
  const ours =
    isObject(record) && isInstant(record.created_at, mark.createdAtUnix) && record.ip_address === mark.ipAddress;
  const reservedByUs =
    isObject(reservation) &&
    reservation.vm_name === mark.name &&
    reservation.status === 'reserved' &&
    isInstant(reservation.reserved_at, mark.createdAtUnix);
  const withoutRecord = ours
    ? onObject(onAddresses(top, withoutAddress, mark.ipAddress, mark.ipv6Address), 'vms', (vms) =>
        filterSlots(vms, ({ key }) => key !== mark.name),
      )
    : top;
  return reservedByUs
    ? onObject(withoutRecord, 'reserved_nft_tokens', (tokens) =>
        filterSlots(tokens, ({ key }) => key !== String(mark.nftTokenId)),
      )
    : withoutRecord;
};

interface Minted {
  readonly name: string;
  readonly reserved: bigint;
  readonly minted: bigint;
  readonly atUnix: bigint;
}

/** The chain gives a token its id; a reservation under another id is given back. */
export const noteMintedIn = (top: Container, document: RecordsDocument, minting: Minted): Container => {
  const { name, reserved, minted, atUnix } = minting;
  if (!isObject(document.vms.get(name))) return top;
  const at = quote(formatIsoDate(atUnix));
  const noted = onRecord(top, name, (record, layout) => {
    if (memberText(record, 'nft_token_id') === `${minted}` && memberText(record, 'nft_minted') === 'true')
      return record;
    const withToken = setMember(record, 'nft_token_id', `${minted}`, layout);
    return setMember(setMember(withToken, 'nft_minted', 'true', layout), 'nft_minted_at', at, layout);
  });
  return onObject(noted, 'reserved_nft_tokens', (tokens, layout) => {
    const isOurs = (id: bigint): boolean => {
      const entry = document.reservations.get(String(id));
      return isObject(entry) && entry.vm_name === name;
    };
    const kept =
      minted !== reserved && isOurs(reserved) ? filterSlots(tokens, ({ key }) => key !== String(reserved)) : tokens;
    return onMember(
      kept,
      String(minted),
      (entry, inner) => {
        if (memberText(entry, 'status') === '"minted"' && memberText(entry, 'vm_name') === quote(name)) return entry;
        const named = setMember(setMember(entry, 'vm_name', quote(name), inner), 'status', quote('minted'), inner);
        return setMember(named, 'minted_at', at, inner);
      },
      layout,
    );
  });
};
