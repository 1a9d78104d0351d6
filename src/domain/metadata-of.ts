import type { MachineMetadata } from './domain-state.ts';
import { subscriptionKey } from './identity.ts';
import type { MachineMemory } from './journal/memory.ts';

/** Only of a machine that we made do we know what it was made with: the digest of its base is the mark of that. */
const madeWith = ({ details, loginOwner }: MachineMemory): MachineMetadata['made'] => {
  const { base, ipAddress, ipv6Address, owner, username, nftTokenId, nftMinted, createdAtUnix } = details;
  if (base === undefined) return undefined;
  const token = nftTokenId === undefined ? {} : { nftTokenId, ...(nftMinted ? { nftMinted } : {}) };
  return { ipv4: ipAddress, ipv6: ipv6Address, owner: loginOwner ?? owner, username, ...token, createdAtUnix, base };
};

/** One that was stopped by hand besides is not started by a payment. */
const isSuspended = ({ suspendedAtUnixMs, run, adminStop }: MachineMemory): boolean =>
  suspendedAtUnixMs !== undefined && adminStop === undefined && run?.cause !== 'admin';

/**
 * What a machine's domain should carry of it: enough for the host alone to know it again, and to treat it no worse, where
 * journal and record are lost (D8).
 */
export const metadataOf = (memory: MachineMemory): MachineMetadata => {
  const { uuid, machineClass, grantUntilUnix } = memory;
  const made = madeWith(memory);
  return {
    schema: 1,
    uuid,
    ...(machineClass.kind === 'bound' ? { subscription: machineClass.subscription } : {}),
    ...(isSuspended(memory) ? { suspended: true } : {}),
    ...(grantUntilUnix === undefined ? {} : { grantUntilUnix }),
    ...(made === undefined ? {} : { made }),
  };
};

const keyOf = ({ subscription }: MachineMetadata): string =>
  subscription === undefined ? '' : subscriptionKey(subscription);

/** Both as one text, whatever the order of their parts. */
const textOf = ({ uuid, suspended, grantUntilUnix, made, ...rest }: MachineMetadata): string => {
  const parts = Object.entries(made ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
  return [uuid, keyOf({ ...rest, uuid }), suspended, grantUntilUnix, ...parts.flat()].join('\n');
};

/**
 * Does what the domain carries lag behind the journal? What says something else altogether, whose machine it is or what
 * it was made with, was not written by us: that is left to whoever wrote it.
 */
export const lagsBehind = (there: MachineMetadata, memory: MachineMemory): boolean => {
  const wanted = metadataOf(memory);
  const same = there.uuid === wanted.uuid && keyOf(there) === keyOf(wanted) && there.made?.base === wanted.made?.base;
  return same && textOf(there) !== textOf(wanted);
};
