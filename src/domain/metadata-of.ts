import type { MachineMetadata } from './domain-state.ts';
import type { MachineMemory } from './journal/memory.ts';

/** What a machine's domain should carry of it: enough for the host alone to know it again (D8). */
export const metadataOf = ({ uuid, machineClass }: MachineMemory): MachineMetadata => ({
  schema: 1,
  uuid,
  ...(machineClass.kind === 'bound' ? { subscription: machineClass.subscription } : {}),
});
