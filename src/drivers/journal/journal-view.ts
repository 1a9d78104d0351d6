import type { JournalCodec } from './journal-codec.ts';
import type { JournalDisk } from './journal-disk.ts';
import { historyChanged, vanished } from './journal-problem.ts';
import { look, type OpenFile, openExistingFile, readFrom, refuseLostJournal } from './journal-store.ts';
import { type Anchor, emptyProgress, type Progress, replay } from './replay.ts';

export interface JournalPaths<State> {
  readonly disk: JournalDisk;
  readonly path: string;
  readonly lockPath: string;
  readonly lockWaitMs: number;
  /** Hears of what was read and not written by this process. */
  readonly onRead: (before: State, after: State) => void;
}

/** What this process has read of the journal, and the file that it read it from. */
export interface JournalView<State> {
  progress(): Progress<State>;
  file(): OpenFile | undefined;
  /** Reads what is new without a lock; what looks wrong then is read again under it, for a write may be under way. */
  catchUp(): Promise<void>;
  /** The same for a caller that holds the lock: what is wrong now is wrong. */
  catchUpLocked(): Promise<void>;
  /** The writer of a line, or of a new generation, has read it already. */
  advance(progress: Progress<State>, file?: OpenFile): Promise<void>;
  /** Gives the file back; what was read stays known. */
  close(): Promise<void>;
}

/** Follows the file through what other processes append and compact; never writes. Not for concurrent calls. */
export const createJournalView = <Event, State>(
  { disk, path, lockPath, lockWaitMs, onRead }: JournalPaths<State>,
  codec: JournalCodec<Event, State>,
): JournalView<State> => {
  let progress = emptyProgress(codec.initial);
  let file: OpenFile | undefined;

  const take = async (next: Progress<State>, nextFile: OpenFile | undefined): Promise<void> => {
    const before = file;
    progress = next;
    file = nextFile;
    if (before !== undefined && before !== nextFile) await before.handle.close();
  };

  const anchor = (): Anchor | undefined =>
    progress.seq === 0 ? undefined : { seq: progress.seq, hash: progress.lastHash };

  const reload = async (): Promise<void> => {
    const fresh = await openExistingFile(disk, path);
    if (fresh === undefined) return nothingThere();
    try {
      await take(replay(path, codec, emptyProgress(codec.initial), await readFrom(fresh, 0), anchor()), fresh);
    } catch (error) {
      await fresh.handle.close();
      throw error;
    }
  };

  const nothingThere = async (): Promise<void> => {
    if (progress.seq > 0) throw vanished(path);
    await refuseLostJournal(disk, path);
    await take(emptyProgress(codec.initial), undefined);
  };

  const readOn = async (): Promise<void> => {
    const found = await look(disk, path);
    if (found === undefined) return nothingThere();
    const same = file !== undefined && file.ino === found.ino && file.dev === found.dev;
    if (file === undefined || !same) return reload();
    if (found.size === progress.offset) return;
    if (found.size < progress.offset) throw historyChanged(path, 'became shorter');
    progress = replay(path, codec, progress, await readFrom(file, progress.offset));
  };

  const telling = async (read: () => Promise<void>): Promise<void> => {
    const before = progress.state;
    await read();
    if (progress.state !== before) onRead(before, progress.state);
  };

  const catchUpLocked = async (): Promise<void> => {
    try {
      await readOn();
    } catch {
      await reload();
    }
  };

  const catchUp = async (): Promise<void> => {
    try {
      await readOn();
    } catch (error) {
      await disk.exclusively(lockPath, lockWaitMs, reload).catch((again: unknown) => {
        throw isLockTrouble(again) ? error : again;
      });
    }
  };

  return {
    progress: () => progress,
    file: () => file,
    catchUpLocked: () => telling(catchUpLocked),
    catchUp: () => telling(catchUp),
    advance: (next, nextFile = file) => take(next, nextFile),
    close: () => take(progress, undefined),
  };
};

/** Who may only read the journal may not be able to take its lock: then the first finding stands. */
const isLockTrouble = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('lock-');
