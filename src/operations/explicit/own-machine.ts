import type { MachineMemory } from '../../domain/journal/memory.ts';
import { type Explicit, refusal } from './context.ts';
import { type Found, findMachine } from './find-machine.ts';

const namesHint = 'blockhost-vm-list shows the names';

/** The machine of that name, or a refusal in one sentence. */
export const machineIn = (found: Found, name: string): MachineMemory => {
  switch (found.kind) {
    case 'machine':
      return found.memory;
    case 'foreign':
      throw refusal(`${name} is not ours and is not touched: ${found.because}`);
    case 'over':
      throw refusal(`${name} was destroyed`);
    case 'record':
      throw refusal(`${name} has a record, and libvirt has no such domain`, `blockhost-vm-destroy ${name} closes it`);
    case 'nobody':
      throw refusal(`there is no machine ${name}`, namesHint);
  }
};

/** The machine of that name where it can be turned on or off; else a refusal in one sentence. */
export const presentMachine = async ({ deps, fleet }: Explicit, name: string): Promise<MachineMemory> => {
  const memory = machineIn(await findMachine(deps, fleet, name), name);
  requireNotOrdered(memory);
  switch (memory.phase) {
    case 'present':
      return memory;
    case 'creating':
      throw refusal(`${name} is being created`, 'wait until its create has ended');
    case 'quarantined':
      throw refusal(`${name} was destroyed and is in quarantine`, `blockhost-vm-resume ${name} brings it back`);
    default:
      throw refusal(`${name} is being destroyed or restored`, 'try again in a moment');
  }
};

/** Who was ordered to go is gone, whether or not it is done yet (D14). */
export const requireNotOrdered = ({ name, ordered }: MachineMemory): void => {
  if (ordered) throw refusal(`${name} is being destroyed by order of ${ordered.by}`);
};
