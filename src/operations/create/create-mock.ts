import { type AddressPools, type Allocation, allocate } from '../../domain/allocation.ts';
import type { CreateAnswer } from '../../domain/create-answer.ts';
import type { CreateRequest } from '../../domain/create-request.ts';
import type { Uuid } from '../../domain/identity.ts';
import { nameConflicts } from '../../domain/name-conflict.ts';
import { takenBy } from '../../domain/taken.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Records } from '../../ports/records.ts';
import { cannotCreate } from './create-deps.ts';

export interface MockDeps {
  readonly records: Records;
  /** Runs `body` while no other create chooses from this database; waits for its turn. */
  readonly withAllocation: <T>(body: () => Promise<T>) => Promise<T>;
  readonly clock: Clock;
  readonly pool: AddressPools['ipv4'];
  readonly hostAddresses: () => readonly string[];
  readonly newUuid: () => Uuid;
  readonly tell: (line: string) => void;
}

/** What the mock database has where no pool is configured, and its IPv6 network in any case (interop §3). */
const MOCK_IPV4 = { start: '192.168.122.200', end: '192.168.122.250', gateway: '192.168.122.1' };
const MOCK_IPV6 = { prefix: 'fd00::/120', start: 2, end: 254 };
const DAY_SECONDS = 86_400;

const choose = async (deps: MockDeps, { name, nftTokenId }: CreateRequest): Promise<Allocation> => {
  const pools: AddressPools = { ipv4: deps.pool ?? MOCK_IPV4, ipv6: MOCK_IPV6 };
  const [records, allocated, reservations] = await Promise.all([
    deps.records.list(),
    deps.records.allocated(),
    deps.records.reservations(),
  ]);
  const conflicts = nameConflicts({ name, subscription: undefined, machines: [], domains: [], records });
  if (conflicts.length > 0) throw cannotCreate(name, conflicts);
  const hostAddresses = deps.hostAddresses();
  const taken = takenBy({ records, allocated, reservations, machines: [], domains: [], hostAddresses, pools });
  const result = allocate({ name, nftTokenId, totalSupply: 0n }, pools, taken, deps.newUuid);
  if (!result.ok) throw cannotCreate(name, result.problems);
  return result.allocation;
};

const enter = async (deps: MockDeps, request: CreateRequest): Promise<Allocation> => {
  const { name, owner, username, expiryDays } = request;
  const allocation = await choose(deps, request);
  const { ipv4, ipv6, nftTokenId } = allocation;
  const nowUnix = BigInt(Math.floor(deps.clock.nowUnixMs() / 1000));
  await deps.records.register({
    name,
    ipAddress: ipv4,
    ipv6Address: ipv6,
    owner,
    username,
    expiresAtUnix: nowUnix + BigInt(expiryDays * DAY_SECONDS),
    createdAtUnix: nowUnix,
    status: 'active',
    nftTokenId,
  });
  return allocation;
};

/**
 * A create that touches the mock database alone: neither libvirt, nor a chain, nor the host's state (D18). Creates at once
 * choose one after the other, as on a host; a plan waits for nobody.
 */
export const createMock = async (deps: MockDeps, request: CreateRequest): Promise<CreateAnswer> => {
  const { name, username, apply } = request;
  const { ipv4, ipv6, nftTokenId } = await (apply
    ? deps.withAllocation(() => enter(deps, request))
    : choose(deps, request));
  deps.tell(apply ? `${name}: entered into the mock database` : `plan for ${name}; nothing is changed without --apply`);
  return { name, ipv4, ipv6, nftTokenId, username };
};
