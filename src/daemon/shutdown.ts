import type { Log } from '../ports/log.ts';

/** After a signal, what is under way may take this long to end; then the process goes all the same. */
const DRAIN_MS = 25_000;

/** Exit codes of the daemon (D4): 75 asks the service manager to try again. */
export const EXIT = { done: 0, wrong: 1, tryAgain: 75 } as const;

/**
 * Turns SIGTERM and SIGINT into one abort of the intake: nothing new begins, what runs ends by itself. A second signal,
 * or the limit, ends the process at once; the journal makes that harmless.
 */
export const onStopSignal = (deps: { readonly log: Log }): AbortSignal => {
  const stop = new AbortController();
  const handle = (signal: NodeJS.Signals): void => {
    if (stop.signal.aborted) process.exit(EXIT.tryAgain);
    deps.log.info({ signal }, 'stopping');
    stop.abort();
    // It must not keep a process alive that has drained, nor spoil the exit code of one that is about to end.
    // biome-ignore lint/style/noRestrictedGlobals: short, and a sleep of the clock would keep a drained process alive
    setTimeout(() => process.exit(process.exitCode ?? EXIT.tryAgain), DRAIN_MS).unref();
  };
  process.on('SIGTERM', handle);
  process.on('SIGINT', handle);
  return stop.signal;
};
