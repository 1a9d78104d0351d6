import { userInfo } from 'node:os';
import { createPaths } from '../config/paths.ts';
import { explain } from '../domain/errors.ts';
import { createSystemClock } from '../drivers/clock/system-clock.ts';
import { quietLog } from '../drivers/log/quiet-log.ts';
import { say, type Word } from '../operations/words.ts';
import { openOurJournal } from './open-journal.ts';

/** Who speaks, for the journal. */
const speaker = (): string => process.env.SUDO_USER ?? userInfo().username;

/** Writes one word and tells on stderr what became of it; sets the exit code (D4). */
export const speak = async (word: Word): Promise<void> => {
  const clock = createSystemClock();
  try {
    const journal = await openOurJournal({ paths: createPaths(process.env), clock, log: quietLog });
    try {
      const event = await say({ journal, clock }, word, speaker());
      process.stderr.write(`${event.kind}: written; a running daemon heeds it before its next step\n`);
    } finally {
      await journal.close();
    }
  } catch (error) {
    process.stderr.write(`blockhost-provisioner: ${explain(error)}\n`);
    process.exitCode = 1;
  }
};
