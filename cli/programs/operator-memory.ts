import type { Command } from 'commander';
import { replayJournal } from '../../src/commands/replay-journal.ts';
import { verifyJournal } from '../../src/commands/verify-journal.ts';
import { why } from '../../src/commands/why.ts';
import { machineName } from './machine-name.ts';

const JOURNAL = 'a journal file; this host’s own where it is left out';

/** What the journal remembers, for an operator to read: nothing here writes, and no daemon has to run. */
export const withMemory = (words: Command): Command => {
  words
    .command('why')
    .description('what was done with a machine, and what it rested on')
    .argument('<vm>', 'name of the machine', machineName)
    .action((vm: string) => why(vm));
  words
    .command('verify')
    .description('see whether the journal is whole: every entry, in one chain of hashes')
    .argument('[journal]', JOURNAL)
    .action((journal: string | undefined) => verifyJournal(journal));
  words
    .command('replay')
    .description(
      'decide every step of the journal again with this version, and list what it would have done differently',
    )
    .argument('[journal]', JOURNAL)
    .option('--current-policy', 'by today’s configuration instead of the policy of that day', false)
    .action((journal: string | undefined, options: { currentPolicy: boolean }) => replayJournal(journal, options));
  return words;
};
