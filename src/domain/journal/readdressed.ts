import type { JournalEvent } from './event.ts';
import type { MachineMemory } from './memory.ts';

type Readdressed = Extract<JournalEvent, { kind: 'readdressed' }>;

/** What it had before is remembered for ever: a stale copy of its record may come again at any time. */
export const withAddresses = (memory: MachineMemory, { ipAddress, ipv6Address }: Readdressed): MachineMemory => {
  const { details, formerAddresses } = memory;
  const all = new Set([...(formerAddresses?.addresses ?? []), details.ipAddress, details.ipv6Address]);
  const addresses = [...all].filter((address) => address !== '' && address !== ipAddress && address !== ipv6Address);
  return { ...memory, details: { ...details, ipAddress, ipv6Address }, formerAddresses: { addresses, left: false } };
};

/** The guest was seen to bear its new addresses. */
export const withAddressesTaken = (memory: MachineMemory): MachineMemory =>
  memory.formerAddresses ? { ...memory, formerAddresses: { ...memory.formerAddresses, left: true } } : memory;
