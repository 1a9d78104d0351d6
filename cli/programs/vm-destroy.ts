import type { Command } from 'commander';
import { machineName } from './machine-name.ts';
import { program } from './program.ts';

/** `blockhost-vm-destroy`: destroys a machine for good (contract §2). */
export const vmDestroy = (): Command =>
  program({
    name: 'blockhost-vm-destroy',
    description: 'Destroys a machine for good, at once, paid for or not. Only hold and protect refuse it.',
    examples: ['blockhost-vm-destroy blockhost-007'],
    exitStatus:
      '0 it is destroyed, was so before, or was never known; 1 it was refused or failed, with one sentence on stderr.',
  })
    .argument('<name>', 'name of the machine', machineName)
    .action(async (name: string) => (await import('../../src/commands/power.ts')).destroy(name));
