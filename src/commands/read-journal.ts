import { createPaths } from '../config/paths.ts';
import { explain } from '../domain/errors.ts';
import { printable } from '../domain/printable.ts';
import { type Walk, walkJournal } from '../drivers/journal/walk-journal.ts';

/** What is printed about a journal as it lies on disk. */
export interface JournalReading {
  readonly walk: Walk;
  readonly out: (line: string) => void;
  readonly tell: (line: string) => void;
}

/**
 * Runs what only reads the journal: no configuration, no lock, no libvirt, so that it works when nothing else does.
 * `body` returns the exit code; what it throws is one sentence on stderr and exit 1 (D4).
 */
export const readJournal = async (
  file: string | undefined,
  body: (reading: JournalReading) => number | Promise<number>,
): Promise<void> => {
  const to = (stream: NodeJS.WriteStream) => (line: string) => void stream.write(`${printable(line)}\n`);
  // Whoever reads may go away at any time; that is no failure of what is done here.
  process.stdout.on('error', () => undefined);
  try {
    const walk = await walkJournal(file ?? createPaths(process.env).journal);
    process.exitCode = await body({ walk, out: to(process.stdout), tell: to(process.stderr) });
  } catch (error) {
    process.stderr.write(`blockhost-provisioner: ${explain(error)}\n`);
    process.exitCode = 1;
  }
};
