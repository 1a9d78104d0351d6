import type { Command } from 'commander';
import { machineName } from './machine-name.ts';
import { program } from './program.ts';

/** `blockhost-vm-start`: turns a machine on, and takes a stop by hand back (contract §2). */
export const vmStart = (): Command =>
  program({
    name: 'blockhost-vm-start',
    description: 'Turns a machine on. One that is not paid for is started with a warning, and is suspended again.',
    examples: ['blockhost-vm-start blockhost-007'],
    exitStatus: '0 it runs; 1 it was refused or failed, with one sentence on stderr.',
  })
    .argument('<name>', 'name of the machine', machineName)
    .action(async (name: string) => (await import('../../src/commands/power.ts')).start(name));
