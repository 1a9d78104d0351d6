import type { Clock } from '../../ports/clock.ts';

/** Calls `onDue` after `ms`, once, unless the function that it returns is called before. */
export const startDeadline = (clock: Pick<Clock, 'sleep'>, ms: number, onDue: () => void): (() => void) => {
  const stop = new AbortController();
  clock.sleep(ms, stop.signal).then(
    () => {
      if (!stop.signal.aborted) onDue();
    },
    () => undefined, // stopped
  );
  return () => stop.abort();
};
