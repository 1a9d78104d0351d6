import { type Command, Option } from 'commander';
import { program } from './program.ts';

/** `blockhost-vm-list`: every machine, also destroyed ones (contract §2). */
export const vmList = (): Command =>
  program({
    name: 'blockhost-vm-list',
    description: 'Lists machines, destroyed ones as well: name, status, address and day of creation.',
    examples: ['blockhost-vm-list', 'blockhost-vm-list --format json'],
    exitStatus: 'always 0; what cannot be read is told on stderr.',
  })
    .addOption(new Option('--format <format>', 'how it is printed').choices(['text', 'json']).default('text'))
    .option('--json', 'the same as --format json')
    .action(async ({ format, json }: { readonly format: 'text' | 'json'; readonly json?: boolean }) =>
      (await import('../../src/commands/list.ts')).list(json ? 'json' : format),
    );
