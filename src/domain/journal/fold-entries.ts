import { journalEventSchema } from './event.ts';
import { foldJournal } from './fold.ts';
import { fromJson, toJson } from './json.ts';
import { EMPTY_JOURNAL, type JournalState, journalStateSchema } from './memory.ts';

interface Entry {
  readonly file: string;
  readonly line: number;
  readonly atUnixMs: number;
  readonly events: readonly unknown[];
  readonly snapshot?: unknown;
}

/** The same whatever order a state's keys were written in. */
const canonical = (value: unknown): string =>
  JSON.stringify(toJson(value), (_, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );

const readSnapshot = (snapshot: unknown): JournalState | undefined => {
  const parsed = journalStateSchema.safeParse(fromJson(snapshot));
  return parsed.success ? parsed.data : undefined;
};

/**
 * What the entries of a journal add up to. `problems` names those that this version cannot read, and a snapshot that says
 * something else than the entries before it: a compaction that changed the past.
 */
export const foldEntries = (
  entries: readonly Entry[],
): { readonly state: JournalState; readonly problems: readonly string[] } => {
  const problems: string[] = [];
  let state: JournalState = EMPTY_JOURNAL;
  // Of a past that is not there, or was not read to its end, no snapshot can be checked.
  let whole = false;
  entries.forEach(({ file, line, atUnixMs, events, snapshot }, index) => {
    const place = `${file}, line ${line}`;
    if (snapshot !== undefined) {
      const read = readSnapshot(snapshot);
      if (read === undefined) problems.push(`${place}: this version cannot read the snapshot`);
      else if (whole && canonical(read) !== canonical(state))
        problems.push(`${place}: the snapshot is not what the entries before it add up to`);
      state = read ?? state;
      whole = read !== undefined;
      return;
    }
    if (index === 0) whole = true;
    for (const raw of events) {
      const parsed = journalEventSchema.safeParse(fromJson(raw));
      if (parsed.success) state = foldJournal(state, parsed.data, atUnixMs);
      else {
        problems.push(`${place}: this version does not know an event of the kind ${JSON.stringify(kindOf(raw))}`);
        whole = false;
      }
    }
  });
  return { state, problems };
};

const kindOf = (raw: unknown): unknown => (typeof raw === 'object' && raw !== null && 'kind' in raw ? raw.kind : null);
