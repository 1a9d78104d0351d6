import { isOn } from './domain-state.ts';
import type { MachineDetails, MachineMemory } from './journal/memory.ts';
import { ownerIsRight } from './login.ts';
import { lagsBehind } from './metadata-of.ts';
import type { Observation } from './observation.ts';
import type { Chore } from './plan.ts';
import type { Policy } from './policy.ts';
import type { RecordPatch, VmRecord } from './record.ts';
import { stopCauseOf } from './stop-cause.ts';

/*
 * Upkeep brings journal, record and metadata in line with what is. It is worked out anew each time (L12), so a record
 * that another program overwrote from a stale copy is right again after one look.
 */

const runNotes = (observation: Observation, memory: MachineMemory, policy: Policy): Chore[] => {
  const { domain, bootId, nowUnixMs } = observation;
  if (!domain.known || domain.value === 'absent' || memory.phase !== 'present') return [];
  if (isOn(domain.value)) {
    const noted = memory.run?.on === true && memory.run.bootId === bootId;
    const chores: Chore[] = noted ? [] : [{ chore: 'note-running' }];
    if (memory.suspendedAtUnixMs !== undefined) chores.push({ chore: 'note-suspension-over', why: 'it runs' });
    return chores;
  }
  const settled = nowUnixMs >= domain.value.sinceUnixMs + policy.stopDebounceMs;
  if (memory.run?.on === false || !settled) return [];
  return [{ chore: 'note-off', cause: stopCauseOf(memory, domain.value) }];
};

const changedDetails = (memory: MachineMemory, record: VmRecord): MachineDetails | undefined => {
  const now = memory.details;
  // A machine that came back elsewhere (D21): what it had before is in its record until that is mended, and may come again.
  const former = memory.formerAddresses?.addresses ?? [];
  const next: MachineDetails = {
    ...now,
    ipAddress: former.includes(record.ipAddress) ? now.ipAddress : record.ipAddress || now.ipAddress,
    ipv6Address: former.includes(record.ipv6Address) ? now.ipv6Address : record.ipv6Address || now.ipv6Address,
    username: record.username || now.username,
    // An owner whom the guest does not name yet is none to fall back on (D25).
    owner: record.gecosSynced === false ? now.owner : record.ownerWallet || record.owner || now.owner,
    nftTokenId: record.nftTokenId ?? now.nftTokenId,
    nftMinted: record.nftMinted || now.nftMinted,
  };
  const same = (Object.keys(next) as (keyof MachineDetails)[]).every((key) => next[key] === now[key]);
  return same ? undefined : next;
};

/** The expiry that the record should carry: the chain's, exactly, for a bound machine. */
const rightExpiry = (observation: Observation, memory: MachineMemory): bigint | undefined => {
  const { chain } = observation;
  if (memory.machineClass.kind !== 'bound' || chain.kind !== 'view' || !chain.view.head.known) return undefined;
  const until = chain.view.head.value.expiresAtUnix;
  return memory.grantUntilUnix !== undefined && memory.grantUntilUnix > until ? memory.grantUntilUnix : until;
};

const wholeSeconds = (unixMs: number): bigint => BigInt(Math.floor(unixMs / 1000));

const namesOwner = (record: VmRecord, owner: string): boolean =>
  record.ownerWallet?.toLowerCase() === owner && record.gecosSynced !== false;

const presentPatch = (memory: MachineMemory, record: VmRecord, expiresAtUnix: bigint | undefined): RecordPatch => {
  const suspendedAt = memory.suspendedAtUnixMs;
  const status = suspendedAt === undefined ? 'active' : 'suspended';
  const suspendedAtUnix = suspendedAt === undefined ? undefined : wholeSeconds(suspendedAt);
  const owner = memory.loginUnsure ? undefined : memory.loginOwner;
  const { ipAddress, ipv6Address } = memory.details;
  const former = memory.formerAddresses?.addresses ?? [];
  return {
    ...(record.status === status ? {} : { status }),
    ...(record.suspendedAtUnix === suspendedAtUnix ? {} : { suspendedAtUnix: suspendedAtUnix ?? null }),
    ...(record.destroyedAtUnix === undefined ? {} : { destroyedAtUnix: null }),
    ...(expiresAtUnix === undefined || record.expiresAtUnix === expiresAtUnix ? {} : { expiresAtUnix }),
    ...(owner === undefined || namesOwner(record, owner) ? {} : { owner, gecosSynced: true }),
    ...(former.includes(record.ipAddress) || (record.ipAddress === '' && ipAddress !== '') ? { ipAddress } : {}),
    ...(former.includes(record.ipv6Address) ? { ipv6Address } : {}),
  };
};

const MOVING: ReadonlySet<MachineMemory['phase']> = new Set(['creating', 'destroying', 'restoring']);

const recordChores = (observation: Observation, memory: MachineMemory): Chore[] => {
  const { record, nameTaken, nowUnixMs } = observation;
  if (!record.known || nameTaken || MOVING.has(memory.phase)) return [];
  const expiresAtUnix = rightExpiry(observation, memory);
  if (memory.phase === 'present') {
    if (record.value === undefined) {
      const until = expiresAtUnix ?? memory.lastExpiresAtUnix;
      const status = memory.suspendedAtUnixMs === undefined ? 'active' : 'suspended';
      return until === undefined ? [] : [{ chore: 'restore-record', status, expiresAtUnix: until }];
    }
    const patch = presentPatch(memory, record.value, expiresAtUnix);
    return Object.keys(patch).length > 0 ? [{ chore: 'patch-record', patch }] : [];
  }
  // A record of that name may be a successor's already: only the one that this machine was made with is closed.
  const { value } = record;
  if (value === undefined || value.status === 'destroyed') return [];
  if (value.createdAtUnix !== memory.details.createdAtUnix) return [];
  const since = memory.quarantine?.sinceUnixMs ?? nowUnixMs;
  return [{ chore: 'patch-record', patch: { status: 'destroyed', destroyedAtUnix: wholeSeconds(since) } }];
};

const expiryNotes = (observation: Observation, memory: MachineMemory): Chore[] => {
  const { record } = observation;
  const chainSays = rightExpiry(observation, memory);
  const recordSays =
    memory.machineClass.kind === 'record-only' && record.known ? record.value?.expiresAtUnix : undefined;
  const until = chainSays ?? recordSays;
  return until === undefined || until === memory.lastExpiresAtUnix
    ? []
    : [{ chore: 'note-expiry', expiresAtUnix: until }];
};

/** A doubt that vanished by itself (a transfer taken back) must not make the alarm of the next one come early (D25). */
const ownerNotes = (observation: Observation, memory: MachineMemory): Chore[] =>
  memory.phase === 'present' && memory.newOwnerSinceUnixMs !== undefined && ownerIsRight(observation)
    ? [{ chore: 'note-owner-settled' }]
    : [];

const addressChores = (observation: Observation, memory: MachineMemory): Chore[] => {
  const { addressesListed } = observation;
  const wanted = memory.phase === 'present' && addressesListed.known && !addressesListed.value;
  return wanted ? [{ chore: 'claim-addresses' }] : [];
};

const metadataChores = ({ domain }: Observation, memory: MachineMemory): Chore[] => {
  if (!domain.known || domain.value === 'absent' || !domain.value.persistent) return [];
  const { metadata } = domain.value;
  const wanted = metadata === undefined || (memory.phase === 'present' && lagsBehind(metadata, memory));
  return wanted ? [{ chore: 'write-metadata' }] : [];
};

/** All upkeep for a machine that is ours, cheapest first. */
export const upkeep = (observation: Observation, policy: Policy): readonly Chore[] => {
  const { memory, record } = observation;
  // What is not committed, or is on its way out by order, is the business of that command alone.
  if (memory === undefined || memory.phase === 'creating') return [];
  if (memory.ordered !== undefined && memory.phase !== 'gone') return [];
  const details =
    memory.phase === 'present' && record.known && record.value && !observation.nameTaken
      ? changedDetails(memory, record.value)
      : undefined;
  return [
    ...runNotes(observation, memory, policy),
    ...(details ? [{ chore: 'note-details', details } as const] : []),
    ...expiryNotes(observation, memory),
    ...ownerNotes(observation, memory),
    ...metadataChores(observation, memory),
    ...recordChores(observation, memory),
    ...addressChores(observation, memory),
  ];
};
