/** What is read and checked of a line before its events are folded. */
export interface LineMark {
  /** Counts all lines ever written, through every compaction. */
  readonly seq: number;
  readonly atUnixMs: number;
}

/** How a caller's events and state become JSON and back, and what an event does to the state; all of it pure. */
export interface JournalCodec<Event, State> {
  readonly initial: State;
  readonly fold: (state: State, event: Event, line: LineMark) => State;
  readonly encode: (event: Event) => unknown;
  /** Throws on anything that is no event, above all on a kind from a newer version. */
  readonly decode: (json: unknown) => Event;
  readonly encodeState: (state: State) => unknown;
  readonly decodeState: (json: unknown) => State;
}
