/**
 * How one line of the proof came out. `short` is a shortfall that is told and breaks nothing: fewer looked at than one would
 * like, or not lookable-at on this machine.
 */
export type Verdict = 'ok' | 'short' | 'BROKEN';

/** One line of the proof's table. */
export interface Row {
  readonly what: string;
  readonly figure: string;
  readonly wanted: string;
  readonly verdict: Verdict;
  /** What does not fit into a table: how to see it again, what was not caught. */
  readonly notes: readonly string[];
}

/** What every part of the proof is handed. */
export interface Occasion {
  /** Where chance begins. */
  readonly seed: number;
  /** A line for whoever waits, on stderr. */
  readonly progress: (line: string) => void;
  /** Aborted where the run has to end early. */
  readonly signal: AbortSignal;
}
