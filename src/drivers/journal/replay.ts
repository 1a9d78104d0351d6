import type { JournalCodec } from './journal-codec.ts';
import { decodeLine, genesisHash, hashLine, type JournalLine } from './journal-line.ts';
import { corruptLine, historyChanged, unreadableEvent } from './journal-problem.ts';

/** How far the file has been read: everything before `offset` is folded into `state`. */
export interface Progress<State> {
  readonly state: State;
  /** Bytes of whole lines read. */
  readonly offset: number;
  readonly lines: number;
  readonly seq: number;
  readonly lastHash: string;
  /** Length of the snapshot that the file begins with, newline included; 0 where it begins with events. */
  readonly snapshotBytes: number;
}

/** A line that was seen in an earlier state of the file and must still be in its chain. */
export interface Anchor {
  readonly seq: number;
  readonly hash: string;
}

const newline = 0x0a;

export const emptyProgress = <State>(initial: State): Progress<State> => ({
  state: initial,
  offset: 0,
  lines: 0,
  seq: 0,
  lastHash: genesisHash,
  snapshotBytes: 0,
});

/**
 * Reads on from `progress` through `bytes`, which begin where it ended. A last line without an end, or with NULs in it (what
 * a power cut leaves), is torn: it was never acknowledged, and reading stops before it. Throws `JournalError` on
 * everything else that does not fit.
 */
export const replay = <Event, State>(
  path: string,
  codec: JournalCodec<Event, State>,
  progress: Progress<State>,
  bytes: Buffer,
  anchor?: Anchor,
): Progress<State> => {
  let now = progress;
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(newline, start);
    if (end === -1) break;
    const line = bytes.subarray(start, end);
    if (end === bytes.length - 1 && line.includes(0)) break;
    now = readLine(path, codec, now, line, anchor);
    start = end + 1;
  }
  if (anchor !== undefined && now.seq < anchor.seq) {
    throw historyChanged(path, `ends at entry ${now.seq}, though entry ${anchor.seq} was read before`);
  }
  return now;
};

/** Folds one line (without its newline) after checking that it continues the chain. */
export const readLine = <Event, State>(
  path: string,
  codec: JournalCodec<Event, State>,
  progress: Progress<State>,
  bytes: Buffer,
  anchor?: Anchor,
): Progress<State> => {
  const lineNumber = progress.lines + 1;
  const line = decode(path, lineNumber, bytes);
  const startsFile = progress.lines === 0 && 'snapshot' in line;
  if (!startsFile && line.seq !== progress.seq + 1) {
    throw corruptLine(path, lineNumber, `entry ${progress.seq + 1} is wanted, entry ${line.seq} is there`);
  }
  if (!startsFile && line.prev !== progress.lastHash) {
    throw corruptLine(path, lineNumber, 'it does not follow the line before, one of them was changed');
  }
  if ('snapshot' in line && !startsFile) throw corruptLine(path, lineNumber, 'a snapshot stands only in line 1');
  const hash = hashLine(bytes);
  checkAnchor(path, line, hash, anchor);
  return {
    state: stateAfter(path, codec, progress.state, line, lineNumber),
    offset: progress.offset + bytes.length + 1,
    lines: lineNumber,
    seq: line.seq,
    lastHash: hash,
    snapshotBytes: startsFile ? bytes.length + 1 : progress.snapshotBytes,
  };
};

const decode = (path: string, lineNumber: number, bytes: Buffer): JournalLine => {
  try {
    return decodeLine(bytes);
  } catch (error) {
    throw corruptLine(path, lineNumber, error instanceof Error ? error.message : String(error));
  }
};

const checkAnchor = (path: string, line: JournalLine, hash: string, anchor: Anchor | undefined): void => {
  const differs =
    anchor !== undefined &&
    ((line.seq === anchor.seq && hash !== anchor.hash) || (line.seq === anchor.seq + 1 && line.prev !== anchor.hash));
  if (differs) throw historyChanged(path, `was replaced: entry ${anchor.seq} is not the one that was read before`);
};

const stateAfter = <Event, State>(
  path: string,
  codec: JournalCodec<Event, State>,
  before: State,
  line: JournalLine,
  lineNumber: number,
): State => {
  const mark = { seq: line.seq, atUnixMs: Date.parse(line.at) };
  try {
    if (!('events' in line)) return codec.decodeState(line.snapshot);
    // All are decoded before the first is folded: a batch counts as a whole or not at all.
    const events = line.events.map(codec.decode);
    return events.reduce((state, event) => codec.fold(state, event, mark), before);
  } catch (error) {
    throw unreadableEvent(path, lineNumber, error);
  }
};
