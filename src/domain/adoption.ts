import { type DomainState, isOn } from './domain-state.ts';
import type { MachineDetails } from './journal/memory.ts';
import type { Observation } from './observation.ts';
import type { Chore } from './plan.ts';
import type { VmRecord } from './record.ts';
import type { Outcome } from './situation.ts';
import { unixMsOf } from './standing.ts';

/**
 * A record under the machine's name is its own unless the domain says that it was made at another time: then it is that
 * of a machine which had the name before.
 */
const ownRecord = (record: VmRecord | undefined, { metadata }: DomainState): VmRecord | undefined => {
  const made = metadata?.made?.createdAtUnix;
  if (made === undefined || record?.createdAtUnix === undefined || record.createdAtUnix === made) return record;
  return record.status === 'destroyed' ? undefined : record;
};

/** What the journal keeps of a machine, from its record and its domain; the domain speaks where the record is lost. */
export const detailsFrom = (found: VmRecord | undefined, domain: DomainState, nowUnixMs: number): MachineDetails => {
  const record = ownRecord(found, domain);
  const made = domain.metadata?.made;
  return {
    ipAddress: record?.ipAddress || made?.ipv4 || '',
    ipv6Address: record?.ipv6Address || made?.ipv6 || '',
    owner: record?.ownerWallet || record?.owner || made?.owner || '',
    username: record?.username || made?.username || '',
    createdAtUnix: record?.createdAtUnix ?? made?.createdAtUnix ?? BigInt(Math.floor(nowUnixMs / 1000)),
    nftTokenId: record?.nftTokenId ?? made?.nftTokenId,
    nftMinted: record?.nftMinted ?? made?.nftMinted ?? false,
    disks: [...domain.disks],
    seeds: [...domain.seeds],
    ...(made === undefined ? {} : { base: made.base }),
  };
};

/** A row of the stranger's part of the decision, with its name. */
export type NamedOutcome = Outcome & { readonly row: string };

const isLive = (record: VmRecord | undefined): record is VmRecord =>
  record !== undefined && record.status !== 'destroyed';

/** A machine that was suspended before we knew it is one that a payment starts again: its record says so, or its domain. */
const suspendedBefore = (
  observation: Observation,
  domain: DomainState,
  record: VmRecord | undefined,
): readonly Chore[] => {
  if (isOn(domain) || (record?.status !== 'suspended' && !domain.metadata?.suspended)) return [];
  // Its grace begins anew where nobody knows any more when it began (C10).
  const since = record?.status === 'suspended' ? record.suspendedAtUnix : undefined;
  const atUnixMs = since === undefined ? observation.nowUnixMs : unixMsOf(since);
  return [{ chore: 'note-suspended', atUnixMs: Math.min(atUnixMs, observation.nowUnixMs) }];
};

const grantedBefore = ({ metadata }: DomainState): readonly Chore[] =>
  metadata?.grantUntilUnix === undefined ? [] : [{ chore: 'note-grant', untilUnix: metadata.grantUntilUnix }];

const byMetadata = (observation: Observation, domain: DomainState, record: VmRecord | undefined): NamedOutcome => {
  const { metadata } = domain;
  if (metadata === undefined || metadata.uuid !== observation.uuid) {
    return {
      row: 'foreign',
      because: "its metadata is another machine's",
      report: { level: 'warn', what: 'metadata names another machine: foreign, never touched' },
    };
  }
  if (observation.subscriptionTaken) {
    return {
      row: 'foreign',
      because: 'its subscription has another machine',
      report: { level: 'error', what: 'a second domain for one subscription: foreign, never touched' },
    };
  }
  const machineClass = metadata.subscription
    ? ({ kind: 'bound', subscription: metadata.subscription } as const)
    : ({ kind: 'record-only' } as const);
  const details = detailsFrom(record, domain, observation.nowUnixMs);
  return {
    row: 'known-by-metadata',
    because: 'its metadata says it is ours',
    chores: [
      { chore: 'adopt', machineClass, details, how: 'metadata' },
      ...grantedBefore(domain),
      ...suspendedBefore(observation, domain, record),
    ],
  };
};

const byRecord = (observation: Observation, domain: DomainState, record: VmRecord): NamedOutcome => {
  const details = detailsFrom(record, domain, observation.nowUnixMs);
  const { candidate } = observation;
  if (candidate === undefined) {
    const chore = { chore: 'adopt', machineClass: { kind: 'record-only' }, details, how: 'record' } as const;
    return {
      row: 'adopted-record-only',
      because: 'it has a live record, and its name binds to no subscription',
      chores: [chore, ...suspendedBefore(observation, domain, record)],
    };
  }
  if (observation.subscriptionTaken) {
    return {
      row: 'foreign',
      because: 'its subscription has another machine',
      report: { level: 'error', what: 'a second domain for one subscription: foreign, never touched' },
    };
  }
  const head = candidate.view.head;
  if (!head.known) return { row: 'adoption-waits', because: `whether its name binds is unknown: ${head.why}` };
  const chore = {
    chore: 'adopt',
    machineClass: { kind: 'bound', subscription: candidate.ref },
    details,
    how: 'record and chain',
  } as const;
  return {
    row: 'adopted-bound',
    because: `subscription ${candidate.ref.subscriptionId} exists`,
    chores: [chore, ...suspendedBefore(observation, domain, record)],
  };
};

/** A name alone proves nothing: the record may be that of a machine which is gone, and the domain anybody's. */
const onlyNamedAlike = ({ name }: VmRecord): NamedOutcome => ({
  row: 'foreign',
  because: 'a live record has its name, and none of its files lies where that machine would have them',
  report: {
    level: 'warn',
    what: `domain ${name} is foreign and never touched, though a record has its name: if it is that machine, move its disk into storage_path, as ${name}.qcow2`,
  },
});

/**
 * A domain that the journal does not know (D8, D10): ours by its metadata, or by a live record under its name where its
 * files lie as that machine's would, else foreign: reported once and never touched. Records that cannot be read decide nothing.
 */
export const adopt = (observation: Observation): NamedOutcome => {
  const { domain, record } = observation;
  if (!domain.known || domain.value === 'absent')
    return { row: 'nothing-there', because: 'no domain and nothing remembered' };
  if (domain.value.metadata) return byMetadata(observation, domain.value, record.known ? record.value : undefined);
  if (!record.known) return { row: 'adoption-waits', because: `whether it has a record is unknown: ${record.why}` };
  if (isLive(record.value) && !observation.nameTaken) {
    return observation.filesFit ? byRecord(observation, domain.value, record.value) : onlyNamedAlike(record.value);
  }
  return { row: 'foreign', because: 'neither journal, metadata nor live record knows it' };
};
