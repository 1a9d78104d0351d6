import type { Log } from '../../ports/log.ts';

/** A log that keeps nothing: what most commands use, since loading the real one takes longer than what they do. */
export const quietLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => quietLog,
};
