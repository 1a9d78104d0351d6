/** Time as the program sees it; the whole daemon runs on a virtual one in the simulator. */
export interface Clock {
  /** Wall clock, unix milliseconds. */
  nowUnixMs(): number;
  /** A clock that never jumps, milliseconds from an arbitrary start. */
  monotonicMs(): number;
  /** Resolves after `ms` (any length, C14) or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
