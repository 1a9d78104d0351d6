import type { Command } from 'commander';
import { program } from './program.ts';

/** `blockhost-vm-status`: how a machine stands, in one word (contract §2). Whatever it is given, it answers (D4). */
export const vmStatus = (): Command =>
  program({
    name: 'blockhost-vm-status',
    description: 'Prints how a machine stands: active, suspended, destroyed or unknown.',
    examples: ['blockhost-vm-status blockhost-007'],
    exitStatus: 'always 0; whatever cannot be determined is "unknown".',
  })
    .argument('[name...]', 'name of the machine')
    .allowUnknownOption()
    .action(async (names: readonly string[]) => (await import('../../src/commands/status.ts')).status(names));
