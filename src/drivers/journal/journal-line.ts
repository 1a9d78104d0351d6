import { createHash } from 'node:crypto';
import * as z from 'zod';

/** `prev` of the first line of all. */
export const genesisHash = '0'.repeat(32);

const hash = z.string().regex(/^[0-9a-f]{32}$/);
const mark = { seq: z.int().positive(), at: z.iso.datetime(), prev: hash };
const lineSchema = z.union([
  z.strictObject({ ...mark, events: z.array(z.unknown()).min(1) }),
  z.strictObject({ ...mark, snapshot: z.custom((value) => value !== undefined) }),
]);

/**
 * One line of the journal: a batch of events that counts as a whole, or (first line only) the state that compaction
 * left. `prev` is the hash of the line before: together they are a chain that shows every line lost or changed.
 */
export type JournalLine = z.infer<typeof lineSchema>;

/** The link to a line (its bytes without the newline): the first 32 hex digits of its SHA-256. */
export const hashLine = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 32);

/** The line as bytes, without its newline; JSON never holds a raw newline or NUL, which the reader relies on. */
export const encodeLine = (line: JournalLine): Buffer => Buffer.from(JSON.stringify(line), 'utf8');

/** Reads a line without its newline; throws an error that says in a few words what is wrong with it. */
export const decodeLine = (bytes: Uint8Array): JournalLine => {
  const parsed = lineSchema.safeParse(parseJson(bytes));
  if (!parsed.success) throw new Error('this is no line that this version writes');
  return parsed.data;
};

const parseJson = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Error('it is not JSON');
  }
};
