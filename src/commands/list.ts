import { explain } from '../domain/errors.ts';
import { createRecords } from '../drivers/records/records.ts';
import { type ListedMachine, listJournal, listRecords, listText } from '../operations/list.ts';
import { type CommandContext, runCommand } from './run-command.ts';

const fromJournal = async ({ paths, clock, log }: CommandContext): Promise<readonly ListedMachine[]> => {
  const { openOurJournal } = await import('../host/open-journal.ts');
  const journal = await openOurJournal({ paths, clock, log });
  try {
    return listJournal(journal.state());
  } finally {
    await journal.close();
  }
};

/** The records; where they cannot be read, what the journal remembers; nothing where that cannot be read either (D4). */
const machines = async (context: CommandContext): Promise<readonly ListedMachine[]> => {
  const { config, clock, log, tell } = context;
  try {
    return listRecords(await createRecords({ path: config.dbFile, clock, log }).list());
  } catch (error) {
    tell(`blockhost-vm-list: ${explain(error)}; this is what the journal remembers`);
    return fromJournal(context);
  }
};

/**
 * `list`: every machine that is known, destroyed ones as well; exit 0 in any case (contract §2, D4). `more` are words of the
 * command line that mean nothing.
 */
export const list = (format: string, more: readonly string[]): Promise<void> => {
  const print = (found: readonly ListedMachine[]): string =>
    format === 'json' ? JSON.stringify(found) : listText(found);
  return runCommand(
    'blockhost-vm-list',
    async (context) => {
      const { tell, out } = context;
      if (format !== 'json' && format !== 'text')
        tell(`blockhost-vm-list: --format wants text or json, not ${JSON.stringify(format)}`);
      if (more.length > 0) tell(`blockhost-vm-list: means nothing here: ${JSON.stringify(more.join(' '))}`);
      out(print(await machines(context)));
      return 0;
    },
    {
      onFailure: (out) => {
        out(print([]));
        return 0;
      },
    },
  );
};
