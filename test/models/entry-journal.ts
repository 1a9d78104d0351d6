import { createSystemClock } from '../../src/drivers/clock/system-clock.ts';
import type { JournalCodec } from '../../src/drivers/journal/journal-codec.ts';
import { type JournalFile, type JournalOptions, openJournal } from '../../src/drivers/journal/open-journal.ts';
import { createModelLog } from './model-log.ts';

/** The simplest journal that shows order, batches and big integers: a list of entries. */
export interface Entry {
  readonly who: string;
  readonly n: bigint;
}

export const entryCodec: JournalCodec<Entry, readonly string[]> = {
  initial: [],
  fold: (state, { who, n }) => [...state, `${who}${n}`],
  encode: ({ who, n }) => ({ kind: 'entry', who, n: `${n}` }),
  decode: (json) => {
    if (typeof json === 'object' && json !== null && 'kind' in json && 'who' in json && 'n' in json) {
      if (json.kind === 'entry') return { who: String(json.who), n: BigInt(String(json.n)) };
      throw new Error(`an event of the kind ${JSON.stringify(json.kind)} is not known here`);
    }
    throw new Error('this is no event');
  },
  encodeState: (state) => state,
  decodeState: (json) => {
    if (Array.isArray(json) && json.every((item) => typeof item === 'string')) return json;
    throw new Error('this is no state');
  },
};

export const entry = (who: string, n: number): Entry => ({ who, n: BigInt(n) });

export type EntryJournal = JournalFile<Entry, readonly string[]>;

export const openEntries = (
  path: string,
  more: Partial<JournalOptions<Entry, readonly string[]>> = {},
): Promise<EntryJournal> =>
  openJournal({
    ...entryCodec,
    path,
    lockPath: `${path}.lock`,
    clock: createSystemClock(),
    log: createModelLog(),
    ...more,
  });
