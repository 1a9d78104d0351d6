/** What a daemon says to the manager that started it. */
export interface ServiceWord {
  readonly what: 'ready' | 'alive' | 'stopping' | 'status';
  /** For people who ask the manager how it is. */
  readonly status?: string;
}

/** Whoever started the daemon and wants to hear of it; where nobody does, words go nowhere. */
export interface ServiceManager {
  /** Ends the daemon when it was not told `alive` for so long; undefined where it does not watch. */
  readonly watchdogMs: number | undefined;
  /** Never rejects: a word that did not arrive is logged, and the next one is due anyway. */
  tell(word: ServiceWord): Promise<void>;
}
