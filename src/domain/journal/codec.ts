import { type JournalEvent, journalEventSchema } from './event.ts';
import { foldJournal } from './fold.ts';
import { fromJson, toJson } from './json.ts';
import { EMPTY_JOURNAL, type JournalState, journalStateSchema } from './memory.ts';

/** How events and state stand in the journal, and what they mean. */
export const OUR_CODEC = {
  initial: EMPTY_JOURNAL,
  fold: (state: JournalState, event: JournalEvent, line: { readonly atUnixMs: number }): JournalState =>
    foldJournal(state, event, line.atUnixMs),
  encode: (event: JournalEvent): unknown => toJson(event),
  decode: (json: unknown): JournalEvent => journalEventSchema.parse(fromJson(json)),
  encodeState: (state: JournalState): unknown => toJson(state),
  decodeState: (json: unknown): JournalState => journalStateSchema.parse(fromJson(json)),
} as const;
