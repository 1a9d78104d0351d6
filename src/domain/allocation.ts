import type { Uuid } from './identity.ts';
import { formatIpv6, parseIpv6, parseIpv6Network } from './ipv6.ts';

/** What machines get their addresses from. IPv4: a /24, both ends included; IPv6: network address plus `start` ... `end`. */
export interface AddressPools {
  readonly ipv4: { readonly start: string; readonly end: string; readonly gateway: string } | undefined;
  readonly ipv6: { readonly prefix: string; readonly start: number; readonly end: number } | undefined;
}

/** What is somebody's already. Addresses in whatever spelling they were found. */
export interface Taken {
  readonly addresses: Iterable<string>;
  /** Addresses that a destroyed machine may come back for: given away only when nothing else is left (D21). */
  readonly avoided: Iterable<string>;
  readonly macs: Iterable<string>;
  /** Ids that are reserved or known, with the name of the machine they are for; empty where nobody knows. */
  readonly tokens: ReadonlyMap<bigint, string>;
}

/** What one create gets for itself. */
export interface Allocation {
  readonly uuid: Uuid;
  readonly mac: string;
  readonly ipv4: string;
  /** Empty where the host has no IPv6. */
  readonly ipv6: string;
  readonly nftTokenId: bigint;
}

/** The address of a network card is the machine's: it follows from the UUID, so that nobody has to remember it. */
export const macOf = (uuid: Uuid): string => {
  const digits = uuid.replaceAll('-', '').slice(-6).toLowerCase();
  return `52:54:00:${digits.slice(0, 2)}:${digits.slice(2, 4)}:${digits.slice(4, 6)}`;
};

const lastPart = (address: string): number => Number(address.split('.').at(-1));

const ipv4Pool = function* (pool: NonNullable<AddressPools['ipv4']>): Generator<string> {
  const network = pool.start.split('.').slice(0, 3).join('.');
  const first = Math.max(1, lastPart(pool.start));
  const last = Math.min(254, lastPart(pool.end));
  for (let part = first; part <= last; part += 1) {
    const address = `${network}.${part}`;
    if (address !== pool.gateway) yield address;
  }
};

/** `::1` is the gateway's, `::2` the host's; the network's own address is nobody's. */
const FIRST_IPV6 = 3;

const ipv6Pool = function* (pool: NonNullable<AddressPools['ipv6']>): Generator<string> {
  const prefix = parseIpv6Network(pool.prefix);
  if (prefix === undefined) return;
  for (let i = Math.max(FIRST_IPV6, pool.start); i <= pool.end; i += 1) yield formatIpv6(prefix.network + BigInt(i));
};

/** One spelling for each address: IPv6 has many. */
const canonicalAddress = (text: string): string => {
  const bits = parseIpv6(text);
  return bits === undefined ? text : formatIpv6(bits);
};

const firstFree = (
  pool: Iterable<string>,
  taken: ReadonlySet<string>,
  avoided: ReadonlySet<string>,
): string | undefined => {
  let last: string | undefined;
  for (const address of pool) {
    if (taken.has(address)) continue;
    if (!avoided.has(address)) return address;
    last ??= address;
  }
  return last;
};

/** The next token id (D19): beyond what is reserved, known and minted; never 0, which is the administrator's. */
export const nextTokenId = (tokens: Iterable<bigint>, totalSupply: bigint): bigint => {
  let next = totalSupply > 1n ? totalSupply : 1n;
  for (const id of tokens) if (id >= next) next = id + 1n;
  return next;
};

export type Allocated =
  | { readonly ok: true; readonly allocation: Allocation }
  | { readonly ok: false; readonly problems: readonly string[] };

export interface Wanted {
  readonly name: string;
  readonly nftTokenId?: bigint | undefined;
  /** 0 where no chain is configured or it cannot be read. */
  readonly totalSupply: bigint;
}

const MAC_TRIES = 1000;

const freeUuid = (newUuid: () => Uuid, macs: ReadonlySet<string>): Uuid | undefined => {
  for (let tries = 0; tries < MAC_TRIES; tries += 1) {
    const uuid = newUuid();
    if (!macs.has(macOf(uuid))) return uuid;
  }
  return undefined;
};

const tokenProblem = ({ name, nftTokenId }: Wanted, tokens: Taken['tokens']): readonly string[] => {
  if (nftTokenId === undefined || !tokens.has(nftTokenId) || tokens.get(nftTokenId) === name) return [];
  return [`token ${nftTokenId} is reserved for ${tokens.get(nftTokenId) || 'another machine'}`];
};

/** Addresses for one machine, or all that there is none of. */
export type Addresses = { readonly ipv4?: string; readonly ipv6?: string; readonly problems: readonly string[] };

/** The lowest addresses that are free. */
export const freeAddresses = (
  pools: AddressPools,
  { addresses, avoided }: Pick<Taken, 'addresses' | 'avoided'>,
): Addresses => {
  const taken = new Set([...addresses].map(canonicalAddress));
  const spared = new Set([...avoided].map(canonicalAddress));
  const ipv4 = pools.ipv4 && firstFree(ipv4Pool(pools.ipv4), taken, spared);
  const ipv6 = pools.ipv6 ? firstFree(ipv6Pool(pools.ipv6), taken, spared) : '';
  const problems = [
    ...(pools.ipv4 === undefined ? ['no address pool is configured (ip_pool in db.yaml)'] : []),
    ...(pools.ipv4 !== undefined && ipv4 === undefined
      ? [`no IPv4 address from ${pools.ipv4.start} to ${pools.ipv4.end} is free`]
      : []),
    ...(ipv6 === undefined ? [`no IPv6 address of ${pools.ipv6?.prefix} is free`] : []),
  ];
  return { ...(ipv4 === undefined ? {} : { ipv4 }), ...(ipv6 === undefined ? {} : { ipv6 }), problems };
};

/** Chooses everything that must be unique, the lowest that is free; or tells all that there is none of. */
export const allocate = (wanted: Wanted, pools: AddressPools, taken: Taken, newUuid: () => Uuid): Allocated => {
  const { ipv4, ipv6, problems: noAddresses } = freeAddresses(pools, taken);
  const uuid = freeUuid(newUuid, new Set([...taken.macs].map((mac) => mac.toLowerCase())));
  const problems = [
    ...noAddresses,
    ...(uuid === undefined ? ['no free hardware address was found'] : []),
    ...tokenProblem(wanted, taken.tokens),
  ];
  if (problems.length > 0 || ipv4 === undefined || ipv6 === undefined || uuid === undefined)
    return { ok: false, problems };
  const nftTokenId = wanted.nftTokenId ?? nextTokenId(taken.tokens.keys(), wanted.totalSupply);
  return { ok: true, allocation: { uuid, mac: macOf(uuid), ipv4, ipv6, nftTokenId } };
};
