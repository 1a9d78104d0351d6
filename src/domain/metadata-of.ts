import type { MachineMetadata } from './domain-state.ts';
import type { MachineDetails, MachineMemory } from './journal/memory.ts';

/** Only of a machine that we made do we know what it was made with: the digest of its base is the mark of that. */
const madeWith = (details: MachineDetails): MachineMetadata['made'] => {
  const { base, ipAddress, ipv6Address, owner, username, nftTokenId, createdAtUnix } = details;
  if (base === undefined) return undefined;
  const token = nftTokenId === undefined ? {} : { nftTokenId };
  return { ipv4: ipAddress, ipv6: ipv6Address, owner, username, ...token, createdAtUnix, base };
};

/** What a machine's domain should carry of it: enough for the host alone to know it again (D8). */
export const metadataOf = ({ uuid, machineClass, details }: MachineMemory): MachineMetadata => {
  const made = madeWith(details);
  return {
    schema: 1,
    uuid,
    ...(machineClass.kind === 'bound' ? { subscription: machineClass.subscription } : {}),
    ...(made === undefined ? {} : { made }),
  };
};
