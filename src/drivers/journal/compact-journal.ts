import type { Clock } from '../../ports/clock.ts';
import type { JournalCodec } from './journal-codec.ts';
import type { JournalDisk } from './journal-disk.ts';
import { encodeLine } from './journal-line.ts';
import { emptyProgress, type Progress, readLine } from './replay.ts';

/**
 * Replaces the journal by one that begins with its state, and keeps the file before as `.1`. The caller holds the lock
 * and has caught up. The path leads to a whole journal at every moment: to the old one until the rename, to the new one
 * after it.
 */
export const compactJournal = async <Event, State>(
  disk: JournalDisk,
  path: string,
  codec: JournalCodec<Event, State>,
  clock: Clock,
  { state, seq, lastHash }: Progress<State>,
): Promise<Progress<State>> => {
  const at = new Date(clock.nowUnixMs()).toISOString();
  const bytes = encodeLine({ seq: seq + 1, at, prev: lastHash, snapshot: codec.encodeState(state) });
  // Read back before anything is replaced.
  const after = readLine(path, codec, emptyProgress(codec.initial), bytes);
  await disk.replace(path, Buffer.concat([bytes, Buffer.from('\n')]));
  return after;
};
