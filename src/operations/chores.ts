import type { JournalEvent } from '../domain/journal/event.ts';
import { metadataOf } from '../domain/metadata-of.ts';
import type { Observation } from '../domain/observation.ts';
import type { Chore } from '../domain/plan.ts';
import type { RecordSeed } from '../ports/records.ts';
import type { Deps } from './deps.ts';

type Of<Name extends Chore['chore']> = Extract<Chore, { chore: Name }>;

/** What a chore writes into the journal; chores that write elsewhere have none. */
const eventOf = (chore: Chore, { uuid, name, bootId }: Observation): JournalEvent | undefined => {
  switch (chore.chore) {
    case 'adopt':
      return {
        kind: 'machine-known',
        uuid,
        name,
        machineClass: chore.machineClass,
        details: chore.details,
        how: chore.how,
      };
    case 'note-details':
      return { kind: 'details-changed', uuid, details: chore.details };
    case 'note-running':
      return { kind: 'seen-running', uuid, bootId };
    case 'note-off':
      return { kind: 'seen-off', uuid, cause: chore.cause, bootId };
    case 'note-expiry':
      return { kind: 'expiry-read', uuid, expiresAtUnix: chore.expiresAtUnix };
    case 'note-witness':
      return { kind: 'witnessed', uuid, read: chore.read };
    case 'note-new-owner':
      return { kind: 'new-owner', uuid };
    case 'note-owner-settled':
      return { kind: 'owner-settled', uuid };
    case 'note-grant':
      return { kind: 'granted', uuid, untilUnix: chore.untilUnix, by: 'its metadata' };
    case 'note-suspended':
      return { kind: 'suspended', uuid, atUnixMs: chore.atUnixMs };
    case 'note-suspension-over':
      return { kind: 'suspension-over', uuid, why: chore.why };
    case 'trip-breaker':
      return { kind: 'breaker-tripped', harm: chore.harm, reason: chore.reason };
    default:
      return undefined;
  }
};

const seedOf = (observation: Observation, chore: Of<'restore-record'>): RecordSeed | undefined => {
  const { memory } = observation;
  if (memory === undefined) return undefined;
  const { ipAddress, ipv6Address, owner, username, createdAtUnix, nftTokenId, nftMinted } = memory.details;
  const suspendedAt = memory.suspendedAtUnixMs;
  return {
    name: memory.name,
    ipAddress,
    ipv6Address,
    owner: memory.loginOwner ?? owner,
    username,
    createdAtUnix,
    expiresAtUnix: chore.expiresAtUnix,
    status: chore.status,
    nftMinted,
    ...(nftTokenId === undefined ? {} : { nftTokenId }),
    ...(suspendedAt === undefined ? {} : { suspendedAtUnix: BigInt(Math.floor(suspendedAt / 1000)) }),
  };
};

const outside = async (deps: Deps, chore: Chore, observation: Observation): Promise<void> => {
  const details = observation.memory?.details;
  switch (chore.chore) {
    case 'write-metadata':
      if (observation.memory) await deps.hypervisor.writeMetadata(observation.uuid, metadataOf(observation.memory));
      return;
    case 'patch-record':
      await deps.records.patch(observation.name, chore.patch);
      return;
    case 'restore-record': {
      const seed = seedOf(observation, chore);
      if (seed) await deps.records.restore(seed);
      return;
    }
    case 'claim-addresses':
      if (details) await deps.records.claimAddresses(details.ipAddress, details.ipv6Address);
      return;
    default:
      return;
  }
};

/** What the journal must know of a plan's upkeep; it is appended together with the intent, all or nothing. */
export const choreEvents = (chores: readonly Chore[], observation: Observation): readonly JournalEvent[] =>
  chores.map((chore) => eventOf(chore, observation)).filter((event) => event !== undefined);

/** The upkeep that is written elsewhere than in the journal: record, address lists, metadata. */
export const doChores = async (deps: Deps, chores: readonly Chore[], observation: Observation): Promise<void> => {
  for (const chore of chores) await outside(deps, chore, observation);
};
