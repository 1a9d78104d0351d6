import { foldEntries } from '../domain/journal/fold-entries.ts';
import { readJournal } from './read-journal.ts';

/** `verify`: is the journal what was written, in one chain from its beginning to its end? Exit 1 where it is not. */
export const verifyJournal = (file: string | undefined): Promise<void> =>
  readJournal(file, ({ walk, out, tell }) => {
    const { files, entries, tornBytes } = walk;
    const problems = [...walk.problems, ...foldEntries(entries).problems];
    for (const problem of problems) tell(problem);
    if (files.length === 0) {
      tell('there is no journal yet');
      return 0;
    }
    const [first, last] = [entries.at(0), entries.at(-1)];
    const events = entries.reduce((sum, entry) => sum + entry.events.length, 0);
    out(`files: ${files.join(', ')}`);
    out(`entries: ${first?.seq ?? 0} to ${last?.seq ?? 0}, events: ${events}`);
    if (last) out(`head: ${last.hash} (keep it elsewhere: it vouches for every entry up to ${last.seq})`);
    if (tornBytes > 0) out(`torn: ${tornBytes} bytes of an entry that was never acknowledged`);
    out(problems.length === 0 ? 'whole' : `damaged: ${problems.length}`);
    return problems.length === 0 ? 0 : 1;
  });
