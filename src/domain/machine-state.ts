import { isOn } from './domain-state.ts';
import type { Observation } from './observation.ts';

/** Where a machine stands in its life: derived anew from each observation, stored nowhere. */
export type MachineState =
  | 'unseen'
  | 'stranger'
  | 'creating'
  | 'running'
  | 'stopping'
  | 'off'
  | 'suspended'
  | 'condemned'
  | 'destroying'
  | 'restoring'
  | 'quarantined'
  | 'missing'
  | 'gone';

export const stateOf = ({ memory, domain }: Observation): MachineState => {
  if (!domain.known) return 'unseen';
  if (memory === undefined) return 'stranger';
  if (memory.ordered !== undefined && memory.phase !== 'gone') return 'condemned';
  if (memory.phase !== 'present') return memory.phase;
  if (domain.value === 'absent') return 'missing';
  if (isOn(domain.value)) return memory.suspending ? 'stopping' : 'running';
  return memory.suspendedAtUnixMs === undefined ? 'off' : 'suspended';
};
