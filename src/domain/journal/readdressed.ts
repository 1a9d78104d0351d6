import type { JournalEvent } from './event.ts';
import type { MachineMemory } from './memory.ts';

type Readdressed = Extract<JournalEvent, { kind: 'readdressed' }>;

/** What it had before is remembered for ever: a stale copy of its record may come again at any time. */
export const withAddresses = (memory: MachineMemory, { ipAddress, ipv6Address }: Readdressed): MachineMemory => {
  const { details, formerAddresses } = memory;
  const all = new Set([...(formerAddresses?.addresses ?? []), details.ipAddress, details.ipv6Address]);
  const addresses = [...all].filter((address) => address !== '' && address !== ipAddress && address !== ipv6Address);
  return {
    ...memory,
    details: { ...details, ipAddress, ipv6Address },
    formerAddresses: { addresses, stage: 'chosen' },
  };
};

const atStage = (memory: MachineMemory, stage: 'told' | 'left'): MachineMemory =>
  memory.formerAddresses ? { ...memory, formerAddresses: { ...memory.formerAddresses, stage } } : memory;

/** It is whole again; a machine that came back where it last was has nothing new to tell. */
export const withAddressesTold = (memory: MachineMemory): MachineMemory =>
  memory.formerAddresses?.stage === 'chosen' ? atStage(memory, 'told') : memory;

/** The guest was seen to bear its new addresses. */
export const withAddressesTaken = (memory: MachineMemory): MachineMemory => atStage(memory, 'left');
