import { foldEntries } from '../domain/journal/fold-entries.ts';
import { readEvents } from '../domain/journal/history.ts';
import { whyLines } from '../domain/why.ts';
import { createSystemClock } from '../drivers/clock/system-clock.ts';
import { machineNamed } from '../operations/words.ts';
import { readJournal } from './read-journal.ts';

/** `why <vm>`: what was done with a machine and what that rested on, from the journal alone. */
export const why = (vm: string): Promise<void> =>
  readJournal(undefined, ({ walk, out }) => {
    const memory = machineNamed(foldEntries(walk.entries).state, vm);
    const { history } = readEvents(walk.entries);
    for (const line of whyLines(memory, history, createSystemClock().nowUnixMs())) out(line);
    return 0;
  });
