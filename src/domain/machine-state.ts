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

const presentState = (observation: Observation): MachineState => {
  const { memory, domain } = observation;
  if (!domain.known) return 'unseen';
  if (domain.value === 'absent') return 'missing';
  if (isOn(domain.value)) return memory?.suspending ? 'stopping' : 'running';
  return memory?.suspendedAtUnixMs === undefined ? 'off' : 'suspended';
};

export const stateOf = (observation: Observation): MachineState => {
  const { memory, domain } = observation;
  if (!domain.known) return 'unseen';
  if (memory === undefined) return 'stranger';
  if (memory.ordered !== undefined && memory.phase !== 'gone') return 'condemned';
  return memory.phase === 'present' ? presentState(observation) : memory.phase;
};
