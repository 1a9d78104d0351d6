import type { Command } from 'commander';
import { machineName } from './machine-name.ts';
import { program } from './program.ts';

/** `blockhost-vm-stop`: a graceful shutdown (contract §2). */
export const vmStop = (): Command =>
  program({
    name: 'blockhost-vm-stop',
    description: 'Shuts a machine down gracefully, within 50 seconds; it stays off until it is started or resumed.',
    examples: ['blockhost-vm-stop blockhost-007'],
    exitStatus: '0 it is off; 1 it is still on, or it was refused, with one sentence on stderr.',
  })
    .argument('<name>', 'name of the machine', machineName)
    .action(async (name: string) => (await import('../../src/commands/power.ts')).stop(name));
