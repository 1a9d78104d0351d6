import { type JournalEvent, journalEventSchema } from './event.ts';
import { fromJson } from './json.ts';

/** One event with its place in the journal. */
export interface HistoryEvent {
  /** Number of the entry it came with. */
  readonly seq: number;
  readonly atUnixMs: number;
  readonly event: JournalEvent;
}

interface Entry {
  readonly seq: number;
  readonly atUnixMs: number;
  readonly events: readonly unknown[];
}

/** The events of entries as they lie on disk; `unread` counts those that this version does not know. */
export const readEvents = (
  entries: readonly Entry[],
): { readonly history: readonly HistoryEvent[]; readonly unread: number } => {
  const history: HistoryEvent[] = [];
  let unread = 0;
  for (const { seq, atUnixMs, events } of entries) {
    for (const raw of events) {
      const parsed = journalEventSchema.safeParse(fromJson(raw));
      if (parsed.success) history.push({ seq, atUnixMs, event: parsed.data });
      else unread += 1;
    }
  }
  return { history, unread };
};
