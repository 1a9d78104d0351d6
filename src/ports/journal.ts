import type { JournalEvent } from '../domain/journal/event.ts';
import type { JournalState } from '../domain/journal/memory.ts';

/**
 * The one memory of our own (L4): append-only, on disk before `append` resolves, shared with the commands of other
 * processes. `append` rejects with `JournalError` where it cannot be written: then nothing is done.
 */
export interface Journal {
  /** The state as far as this process has read. */
  state(): JournalState;
  /** Catches up with what other processes wrote. */
  refresh(): Promise<JournalState>;
  /** All events or none of them. */
  append(events: readonly JournalEvent[]): Promise<JournalState>;
}
