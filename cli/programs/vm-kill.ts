import type { Command } from 'commander';
import { machineName } from './machine-name.ts';
import { program } from './program.ts';

/** `blockhost-vm-kill`: power off, now (contract §2). */
export const vmKill = (): Command =>
  program({
    name: 'blockhost-vm-kill',
    description: 'Takes the power from a machine at once; it stays off until it is started or resumed.',
    examples: ['blockhost-vm-kill blockhost-007'],
    exitStatus: '0 it is off; 1 it was refused or failed, with one sentence on stderr.',
  })
    .argument('<name>', 'name of the machine', machineName)
    .action(async (name: string) => (await import('../../src/commands/power.ts')).kill(name));
