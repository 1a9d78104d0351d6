import { type Fact, known, unknown } from '../../domain/fact.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { appendLines, type Batch } from './append-lines.ts';
import { compactJournal } from './compact-journal.ts';
import type { JournalCodec } from './journal-codec.ts';
import { type JournalDisk, systemDisk } from './journal-disk.ts';
import { closed, writeProblem } from './journal-problem.ts';
import { createFile, type OpenFile, openExistingFile, openToAppend } from './journal-store.ts';
import { createJournalView } from './journal-view.ts';

export interface JournalOptions<Event, State> extends JournalCodec<Event, State> {
  readonly path: string;
  /** The lock file that all writers of this journal share. */
  readonly lockPath: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The journal compacts itself when what follows its snapshot is longer; 4 MiB unless told. */
  readonly compactAfterBytes?: number;
  /** How long an append waits for other writers; 10 s unless told. */
  readonly lockWaitMs?: number;
  /** Where it lies; this host's own disk when left out. */
  readonly disk?: JournalDisk;
}

export interface JournalHealth {
  /** Unknown, with the reason and since when, after an append that failed; known again after one that did not. */
  readonly writable: Fact<true>;
  readonly lastError?: string;
}

/** A state that many processes share, kept as an append-only file of events (L4). */
export interface JournalFile<Event, State> {
  /** Reads what other processes appended, one stat(2) where there is nothing; throws `JournalError`. */
  refresh(): Promise<State>;
  /** The state as this process knows it, without looking. */
  state(): State;
  /**
   * Keeps the events together or not at all; resolves, after fdatasync, with the state that follows. Throws
   * `JournalError`; nothing of the batch is in the journal then.
   */
  append(events: readonly Event[]): Promise<State>;
  /** Replaces the events by the state that they add up to; the file before stays as `.1`. */
  compact(): Promise<void>;
  /**
   * Hears of what other processes wrote, soon after they did, as the states before and after it; what this one wrote is in
   * both or in neither. Returns how to stop.
   */
  onOthers(listener: (before: State, after: State) => void): () => void;
  health(): JournalHealth;
  /** Ends after what was asked for before; everything after it throws. */
  close(): Promise<void>;
}

const defaultCompactAfterBytes = 4 * 1024 * 1024;
const defaultLockWaitMs = 10_000;

/**
 * Opens a journal and reads it; a missing one is empty, and is made by the first append. A torn last line is ignored, any
 * other damage throws `JournalError` that names the line. Several processes may have the same journal open.
 */
export const openJournal = async <Event, State>(
  options: JournalOptions<Event, State>,
): Promise<JournalFile<Event, State>> => {
  const { path, lockPath, clock, log, disk = systemDisk } = options;
  const lockWaitMs = options.lockWaitMs ?? defaultLockWaitMs;
  const compactAfterBytes = options.compactAfterBytes ?? defaultCompactAfterBytes;
  const listeners = new Set<(before: State, after: State) => void>();
  const onRead = (before: State, after: State): void => {
    for (const listener of listeners) listener(before, after);
  };
  const view = createJournalView({ disk, path, lockPath, lockWaitMs, onRead }, options);
  const inTurn = createTurns(path);
  const stopWatching = new Set<() => void>();
  let pending: Batch<Event, State>[] = [];
  let health: JournalHealth = { writable: known(true) };
  let compactionFailedAt = 0;

  const failing = (error: unknown): void => {
    const why = error instanceof Error ? error.message : String(error);
    const since = health.writable.known ? clock.nowUnixMs() : health.writable.sinceUnixMs;
    health = { writable: unknown(why, since), lastError: why };
  };

  /** Under the lock, after catching up. What could only be read at first may have been given to us since. */
  const writableFile = async (): Promise<OpenFile> => {
    const file = view.file();
    if (file !== undefined && !file.readOnly) return file;
    const fresh = file === undefined ? await createFile(disk, path) : await openToAppend(disk, path);
    await view.advance(view.progress(), fresh);
    return fresh;
  };

  const locked = async (doing: string, body: (file: OpenFile) => Promise<void>): Promise<void> => {
    try {
      await disk.prepare(path);
      await disk.prepare(lockPath);
      await disk.exclusively(lockPath, lockWaitMs, async () => {
        await view.catchUpLocked();
        await body(await writableFile());
      });
    } catch (error) {
      throw writeProblem(path, doing, error);
    }
  };

  const compactNow = async (): Promise<void> => {
    const after = await compactJournal(disk, path, options, clock, view.progress());
    await view.advance(after, await openExistingFile(disk, path));
    log.info({ path, seq: after.seq, bytes: after.offset }, 'compacted the journal');
  };

  /** Compaction can wait: its failure is told, and fails no append. */
  const compactIfDue = async (): Promise<void> => {
    const { offset, snapshotBytes } = view.progress();
    const grown = offset - Math.max(2 * snapshotBytes, compactionFailedAt);
    if (grown <= compactAfterBytes) return;
    try {
      await compactNow();
      compactionFailedAt = 0;
    } catch (error) {
      compactionFailedAt = offset;
      log.warn({ path, err: error }, 'could not compact the journal; it goes on growing');
    }
  };

  const drain = async (): Promise<void> => {
    const batches = pending;
    pending = [];
    if (batches.length === 0) return;
    try {
      await locked('append to', async (file) => {
        const writing = { path, codec: options, clock, log };
        const { progress, error, settle } = await appendLines(writing, file, view.progress(), batches);
        await view.advance(progress);
        settle();
        if (error === undefined) health = { ...health, writable: known(true) };
        else failing(error);
        if (error === undefined) await compactIfDue();
      });
    } catch (error) {
      failing(error);
      for (const { reject } of batches) reject(error);
    }
  };

  const refresh = (): Promise<State> =>
    inTurn(async () => {
      await view.catchUp();
      return view.progress().state;
    });

  const readAgain = (): void => {
    refresh().catch((error: unknown) => log.warn({ path, err: error }, 'journal not read'));
  };

  const startWatching = (): (() => void) => {
    try {
      return disk.watch(path, readAgain, (error) => log.debug({ path, err: error }, 'no longer watching the journal'));
    } catch (error) {
      log.debug({ path, err: error }, 'cannot watch the journal');
      return () => undefined;
    }
  };

  await view.catchUp();
  if (view.file()?.readOnly === true) failing(`${path} may only be read by this user`);

  return {
    state: () => view.progress().state,
    health: () => health,
    refresh,
    append: (events) =>
      new Promise<State>((resolve, reject) => {
        if (events.length > 0) pending.push({ events, resolve, reject });
        inTurn(drain).then(() => events.length === 0 && resolve(view.progress().state), reject);
      }),
    compact: () => inTurn(() => locked('compact', compactNow)),
    onOthers: (listener) => {
      const stop = startWatching();
      listeners.add(listener);
      stopWatching.add(stop);
      return () => {
        stop();
        listeners.delete(listener);
        stopWatching.delete(stop);
      };
    },
    close: async () => {
      for (const stop of stopWatching) stop();
      await inTurn.end(() => view.close());
    },
  };
};

type InTurn = (<T>(task: () => Promise<T>) => Promise<T>) & { end(task: () => Promise<void>): Promise<void> };

/** One task after the other: the view of the file is not made for two at once. */
const createTurns = (path: string): InTurn => {
  let last: Promise<unknown> = Promise.resolve();
  let ended = false;
  const queue = <T>(task: () => Promise<T>): Promise<T> => {
    const mine = last.then(task);
    last = mine.catch(() => undefined);
    return mine;
  };
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => (ended ? Promise.reject(closed(path)) : queue(task));
  const end = async (task: () => Promise<void>): Promise<void> => {
    if (ended) return;
    ended = true;
    await queue(task);
  };
  return Object.assign(inTurn, { end });
};
