import { loadConfig } from '../config/load.ts';
import { createPaths } from '../config/paths.ts';
import { readEvents } from '../domain/journal/history.ts';
import { moment } from '../domain/moment.ts';
import { replayDecisions } from '../domain/warrant/replay.ts';
import { readJournal } from './read-journal.ts';

/**
 * `replay`: old facts through this version's decision, and with `currentPolicy` through today's configuration. Exit 1 where
 * a step would have been decided differently.
 */
export const replayJournal = (
  file: string | undefined,
  { currentPolicy }: { readonly currentPolicy: boolean },
): Promise<void> =>
  readJournal(file, async ({ walk, out, tell }) => {
    const policy = currentPolicy
      ? (await loadConfig({ paths: createPaths(process.env), env: process.env })).policy
      : undefined;
    const { history, unread } = readEvents(walk.entries);
    const { decided, unreadable, differences } = replayDecisions(history, policy);
    for (const { seq, atUnixMs, name, code, then, now } of differences)
      out(`${moment(atUnixMs)} [${seq}] ${name}: ${code} decided ${then}; now ${now}`);
    if (walk.problems.length > 0)
      tell(`the journal is damaged (${walk.problems.length}): see blockhost-provisioner verify`);
    if (unread + unreadable > 0) tell(`${unread + unreadable} entries of another version cannot be decided again`);
    out(`${decided} steps decided again, ${differences.length} differently`);
    return differences.length === 0 ? 0 : 1;
  });
