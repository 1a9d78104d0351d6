import { join } from 'node:path';
import type { Paths } from '../config/paths.ts';
import { OUR_CODEC } from '../domain/journal/codec.ts';
import type { JournalEvent } from '../domain/journal/event.ts';
import type { JournalState } from '../domain/journal/memory.ts';
import { type JournalFile, openJournal } from '../drivers/journal/open-journal.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';

export type OurJournal = JournalFile<JournalEvent, JournalState>;

/** Opens the journal with the meaning that the domain gives it; daemon and commands share one file. */
export const openOurJournal = (deps: {
  readonly paths: Paths;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<OurJournal> =>
  openJournal<JournalEvent, JournalState>({
    path: deps.paths.journal,
    lockPath: join(deps.paths.stateDir, 'journal.lock'),
    clock: deps.clock,
    log: deps.log,
    ...OUR_CODEC,
  });
