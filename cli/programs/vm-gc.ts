import { type Command, Option } from 'commander';
import { program } from './program.ts';
import { wholeNumber } from './whole-number.ts';

interface Options {
  readonly execute?: boolean;
  readonly suspendOnly?: boolean;
  readonly destroyOnly?: boolean;
  readonly graceDays?: number;
  readonly mock?: boolean;
}

/** `blockhost-vm-gc`: the daemon's decision about every machine, told or carried out (contract §2). */
export const vmGc = (): Command =>
  program({
    name: 'blockhost-vm-gc',
    description:
      'Suspends machines whose time is over and destroys those whose grace is; without --execute it only tells.',
    examples: ['blockhost-vm-gc', 'blockhost-vm-gc --execute', 'blockhost-vm-gc --suspend-only --grace-days 14'],
    exitStatus: '0 done, or nothing more can be done now; 1 something failed, with a sentence for each on stderr.',
  })
    .option('--execute', 'do it; without it nothing is changed')
    .addOption(new Option('--suspend-only', 'the first phase alone').conflicts('destroyOnly'))
    .option('--destroy-only', 'the second phase alone')
    .option('--grace-days <days>', 'another grace than the configured one', wholeNumber(3650))
    .option('--mock', 'act on ./mock-db.json alone')
    .action(async ({ execute = false, suspendOnly, destroyOnly, graceDays, mock = false }: Options) =>
      (await import('../../src/commands/gc.ts')).gc({
        execute,
        suspend: !destroyOnly,
        destroy: !suspendOnly,
        graceDays,
        mock,
      }),
    );
