import { type AddressPools, macOf, type Taken } from './allocation.ts';
import type { DomainState } from './domain-state.ts';
import type { MachineMemory } from './journal/memory.ts';
import type { VmRecord } from './record.ts';

/** Everything that knows of addresses, ids and hardware addresses on this host. */
export interface Holders {
  readonly records: readonly VmRecord[];
  readonly allocated: { readonly ipv4: readonly string[]; readonly ipv6: readonly string[] };
  /** Token ids with the name of the machine that each is for. */
  readonly reservations: ReadonlyMap<bigint, string>;
  readonly machines: readonly MachineMemory[];
  readonly domains: readonly DomainState[];
  readonly hostAddresses: readonly string[];
  readonly pools: AddressPools;
}

const addressesOf = ({ details }: MachineMemory): readonly string[] => [details.ipAddress, details.ipv6Address];

const tokensOf = ({ records, reservations, machines, domains }: Holders): Map<bigint, string> => {
  const tokens = new Map<bigint, string>();
  const note = (id: bigint | undefined, name: string): void => {
    if (id !== undefined) tokens.set(id, name);
  };
  for (const { nftTokenId, name } of records) note(nftTokenId, name);
  for (const { details, name } of machines) note(details.nftTokenId, name);
  for (const { metadata, name } of domains) note(metadata?.made?.nftTokenId, name);
  for (const [id, name] of reservations) note(id, name);
  return tokens;
};

/**
 * What may not be given to a new machine: pools minus lists, live records, journal, domain metadata, gateway and the
 * host's own addresses (interop); a destroyed machine's address in quarantine is only avoided (D21). Ids of tokens are
 * never used twice, whatever became of their machines.
 */
export const takenBy = (holders: Holders): Taken => {
  const { records, allocated, machines, domains, hostAddresses, pools } = holders;
  const living = machines.filter(({ phase }) => phase !== 'gone' && phase !== 'quarantined');
  const waiting = machines.filter(({ phase }) => phase === 'quarantined');
  const made = domains.flatMap(({ metadata }) => (metadata?.made ? [metadata.made.ipv4, metadata.made.ipv6] : []));
  const live = records.filter(({ status }) => status !== 'destroyed');
  return {
    addresses: [
      ...allocated.ipv4,
      ...allocated.ipv6,
      ...live.flatMap(({ ipAddress, ipv6Address }) => [ipAddress, ipv6Address]),
      ...living.flatMap(addressesOf),
      ...made,
      ...hostAddresses,
      ...(pools.ipv4 ? [pools.ipv4.gateway] : []),
    ],
    avoided: waiting.flatMap(addressesOf),
    macs: [
      ...domains.flatMap(({ interfaces }) => interfaces.map(({ mac }) => mac)),
      ...[...living, ...waiting].map(({ uuid }) => macOf(uuid)),
    ],
    tokens: tokensOf(holders),
  };
};
