import { readFile } from 'node:fs/promises';
import { isErrno } from '../files/shared-ownership.ts';
import { decodeLine, hashLine, type JournalLine } from './journal-line.ts';
import { writeProblem } from './journal-problem.ts';

/** One line of the journal with its place. */
export interface JournalEntry {
  readonly file: string;
  readonly line: number;
  readonly seq: number;
  readonly atUnixMs: number;
  /** Links the next line to this one. */
  readonly hash: string;
  /** As they stand in the file; none in a snapshot. */
  readonly events: readonly unknown[];
  readonly snapshot?: unknown;
}

/** A journal as it lies on disk, read from end to end without a lock and without writing. */
export interface Walk {
  /** The files that there are, the earlier generation first. */
  readonly files: readonly string[];
  readonly entries: readonly JournalEntry[];
  /** Where it is not what was written, in words; every line after a damage is still read. */
  readonly problems: readonly string[];
  /** Bytes of a last line that was never acknowledged. */
  readonly tornBytes: number;
}

const NEWLINE = 0x0a;

const readIfThere = async (path: string): Promise<Buffer | undefined> => {
  try {
    return await readFile(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw writeProblem(path, 'read', error);
  }
};

interface Before {
  readonly seq: number;
  readonly hash: string;
}

/** Why a line does not follow the one before; nothing where it does. `first`: it begins its file. */
const brokenLink = (line: JournalLine, before: Before | undefined, first: boolean): string | undefined => {
  if ('snapshot' in line && !first) return 'a snapshot stands only in line 1';
  if (before === undefined) return undefined;
  if (line.seq !== before.seq + 1) return `entry ${before.seq + 1} is wanted, entry ${line.seq} is there`;
  return line.prev === before.hash ? undefined : 'it does not follow the line before, one of them was changed';
};

/**
 * Reads the journal and the generation before it (`.1`), and checks the chain of hashes through both. A missing file is
 * an empty one. Throws `JournalError` where a file cannot be read at all.
 */
export const walkJournal = async (path: string): Promise<Walk> => {
  const files: string[] = [];
  const entries: JournalEntry[] = [];
  const problems: string[] = [];
  let tornBytes = 0;
  let before: Before | undefined;
  for (const file of [`${path}.1`, path]) {
    const bytes = await readIfThere(file);
    if (bytes === undefined) continue;
    files.push(file);
    let start = 0;
    for (let number = 1; ; number += 1) {
      const end = bytes.indexOf(NEWLINE, start);
      if (end === -1) break;
      const raw = bytes.subarray(start, end);
      start = end + 1;
      try {
        const line = decodeLine(raw);
        const broken = brokenLink(line, before, number === 1);
        if (broken !== undefined) problems.push(`${file}, line ${number}: ${broken}`);
        const { seq, at } = line;
        const content = 'events' in line ? { events: line.events } : { events: [], snapshot: line.snapshot };
        before = { seq, hash: hashLine(raw) };
        entries.push({ file, line: number, atUnixMs: Date.parse(at), ...before, ...content });
      } catch (error) {
        problems.push(`${file}, line ${number}: ${error instanceof Error ? error.message : String(error)}`);
        before = undefined;
      }
    }
    tornBytes = bytes.length - start;
    if (tornBytes > 0 && file !== path) problems.push(`${file}: ends in the middle of a line`);
  }
  return { files, entries, problems, tornBytes };
};
