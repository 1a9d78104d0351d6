import { HypervisorError } from '../domain/errors.ts';
import type { MachineMemory } from '../domain/journal/memory.ts';
import type { Deps } from './deps.ts';

/** Takes back a create that was broken off before it was committed. */
export const undoCreate = async (_deps: Deps, memory: MachineMemory): Promise<void> => {
  throw new HypervisorError(`the create of ${memory.name} cannot be undone yet`, {
    code: 'undo-create',
    retryable: false,
  });
};
