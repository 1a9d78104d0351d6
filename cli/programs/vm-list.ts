import { type Command, Option } from 'commander';
import { program } from './program.ts';

interface Options {
  readonly format: string;
  readonly json?: boolean;
}

/** `blockhost-vm-list`: every machine, also destroyed ones (contract §2). Whatever it is given, it lists, and exits 0. */
export const vmList = (): Command =>
  program({
    name: 'blockhost-vm-list',
    description: 'Lists machines, destroyed ones as well: name, status, address and day of creation.',
    examples: ['blockhost-vm-list', 'blockhost-vm-list --format json'],
    exitStatus: 'always 0; what cannot be read, or is not understood, is told on stderr.',
  })
    .addOption(
      new Option('--format <format>', 'how it is printed')
        .choices(['text', 'json'])
        .default('text')
        .argParser((text) => text),
    )
    .option('--json', 'the same as --format json')
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async ({ format, json }: Options, { args }: Command) =>
      (await import('../../src/commands/list.ts')).list(json ? 'json' : format, args),
    );
