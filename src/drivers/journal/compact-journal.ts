import { link, rename, unlink } from 'node:fs/promises';
import type { Clock } from '../../ports/clock.ts';
import { writeFileAtomic } from '../files/atomic-write.ts';
import type { JournalCodec } from './journal-codec.ts';
import { encodeLine } from './journal-line.ts';
import { emptyProgress, type Progress, readLine } from './replay.ts';

/**
 * Replaces the journal by one that begins with its state, and keeps the file before as `.1`. The caller holds the lock
 * and has caught up. The path leads to a whole journal at every moment: to the old one until the rename, to the new one
 * after it; the name `.1` is given before, and is only a second name of the old file until then.
 */
export const compactJournal = async <Event, State>(
  path: string,
  codec: JournalCodec<Event, State>,
  clock: Clock,
  { state, seq, lastHash }: Progress<State>,
): Promise<Progress<State>> => {
  const at = new Date(clock.nowUnixMs()).toISOString();
  const bytes = encodeLine({ seq: seq + 1, at, prev: lastHash, snapshot: codec.encodeState(state) });
  // Read back before anything is replaced.
  const after = readLine(path, codec, emptyProgress(codec.initial), bytes);
  await keepGeneration(path);
  await writeFileAtomic(path, Buffer.concat([bytes, Buffer.from('\n')]), { shared: true });
  return after;
};

const keepGeneration = async (path: string): Promise<void> => {
  const passing = `${path}.1.new`;
  await unlink(passing).catch(() => undefined);
  await link(path, passing);
  await rename(passing, `${path}.1`);
  // rename(2) does nothing where both names are one file already, which an interrupted compaction leaves.
  await unlink(passing).catch(() => undefined);
};
