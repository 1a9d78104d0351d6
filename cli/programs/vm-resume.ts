import type { Command } from 'commander';
import { machineName } from './machine-name.ts';
import { program } from './program.ts';
import { wholeNumber } from './whole-number.ts';

interface Options {
  readonly extendDays: number;
  readonly mock?: boolean;
  readonly dryRun?: boolean;
}

/** `blockhost-vm-resume`: a suspended machine runs again (contract §2). */
export const vmResume = (): Command =>
  program({
    name: 'blockhost-vm-resume',
    description:
      'Lets a suspended, stopped or quarantined machine run again, and takes over what the chain says of it.',
    examples: ['blockhost-vm-resume blockhost-007', 'blockhost-vm-resume blockhost-007 --extend-days 7 --dry-run'],
    exitStatus: '0 it runs; 1 it was refused or failed, with one sentence on stderr.',
  })
    .argument('<name>', 'name of the machine', machineName)
    .option('--extend-days <days>', 'grant so many days on top of what is paid for', wholeNumber(3650), 0)
    .option('--mock', 'act on ./mock-db.json alone')
    .option('--dry-run', 'say what would be done, and do nothing')
    .action(async (name: string, { extendDays, mock = false, dryRun = false }: Options) =>
      (await import('../../src/commands/resume.ts')).resume(name, { extendDays, mock, dryRun }),
    );
