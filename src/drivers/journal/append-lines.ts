import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { JournalCodec } from './journal-codec.ts';
import { encodeLine } from './journal-line.ts';
import { writeProblem } from './journal-problem.ts';
import { type OpenFile, writeBytes } from './journal-store.ts';
import { type Progress, readLine } from './replay.ts';

/** Events that are kept together or not at all, and who waits for them. */
export interface Batch<Event, State> {
  readonly events: readonly Event[];
  resolve(state: State): void;
  reject(error: unknown): void;
}

interface Line<Event, State> {
  readonly batch: Batch<Event, State>;
  readonly bytes: Buffer;
  readonly after: Progress<State>;
}

interface Writing<Event, State> {
  readonly path: string;
  readonly codec: JournalCodec<Event, State>;
  readonly clock: Clock;
  readonly log: Log;
}

/** How far the file is good now, what stopped the write, if anything, and how to tell those who wait. */
export interface Appended<State> {
  readonly progress: Progress<State>;
  readonly error?: unknown;
  /** To be called once `progress` is the state that everybody sees. */
  settle(): void;
}

/**
 * Appends one line for each batch with one write and one fdatasync. The caller holds the lock and has caught up. On a
 * full disk the lines that fitted are kept, and the part of a line that did is cut off again.
 */
export const appendLines = async <Event, State>(
  writing: Writing<Event, State>,
  file: OpenFile,
  start: Progress<State>,
  batches: readonly Batch<Event, State>[],
): Promise<Appended<State>> => {
  const { path, log } = writing;
  await cutTornLine(path, file, start.offset, log);
  const lines = prepare(writing, start, batches);
  if (lines.length === 0) return { progress: start, settle: () => undefined };
  const { written, error } = await writeBytes(file, Buffer.concat(lines.map(({ bytes }) => bytes)));
  const kept = lines.filter(({ after }) => after.offset <= start.offset + written);
  const progress = kept.at(-1)?.after ?? start;
  try {
    if (error !== undefined) await file.handle.truncate(progress.offset).catch(() => undefined);
    await file.handle.datasync();
  } catch (notSynced) {
    // Not acknowledged, so it must not be read as if it were.
    await file.handle.truncate(start.offset).catch(() => undefined);
    return settled(start, [], lines, writeProblem(path, 'append to', notSynced));
  }
  if (error === undefined) return settled(progress, kept, []);
  return settled(progress, kept, lines.slice(kept.length), writeProblem(path, 'append to', error));
};

const settled = <Event, State>(
  progress: Progress<State>,
  kept: readonly Line<Event, State>[],
  refused: readonly Line<Event, State>[],
  error?: unknown,
): Appended<State> => ({
  progress,
  error,
  settle: () => {
    for (const { batch, after } of kept) batch.resolve(after.state);
    for (const { batch } of refused) batch.reject(error);
  },
});

/**
 * Turns batches into lines and reads each back at once, exactly as the next start will: what could not be read again is
 * never written. A batch that fails here is refused alone.
 */
const prepare = <Event, State>(
  { path, codec, clock }: Writing<Event, State>,
  start: Progress<State>,
  batches: readonly Batch<Event, State>[],
): readonly Line<Event, State>[] => {
  const lines: Line<Event, State>[] = [];
  let now = start;
  for (const batch of batches) {
    try {
      const at = new Date(clock.nowUnixMs()).toISOString();
      const events = batch.events.map((event) => codec.encode(event) ?? null);
      const bytes = encodeLine({ seq: now.seq + 1, at, prev: now.lastHash, events });
      now = readLine(path, codec, now, bytes);
      lines.push({ batch, bytes: Buffer.concat([bytes, Buffer.from('\n')]), after: now });
    } catch (error) {
      batch.reject(error);
    }
  }
  return lines;
};

/** What a crash in the middle of a write left behind the last whole line. */
const cutTornLine = async (path: string, file: OpenFile, offset: number, log: Log): Promise<void> => {
  const { size } = await file.handle.stat();
  if (size <= offset) return;
  await file.handle.truncate(offset);
  log.warn({ path, bytes: size - offset }, 'cut a torn last line off the journal; it was never acknowledged');
};
