import type { Clock } from '../../src/ports/clock.ts';

/** A clock that moves only when it is told to. Sleepers wake in order, each seeing the time it asked for. */
export interface VirtualClock extends Clock {
  /** Moves the clock, waking sleepers on the way and letting what they started settle. */
  advance(ms: number): Promise<void>;
  /** Moves the wall clock alone, as an operator or NTP does. */
  jump(ms: number): void;
}

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

export const createVirtualClock = (startUnixMs = Date.UTC(2026, 0, 1)): VirtualClock => {
  let elapsedMs = 0;
  let jumpedMs = 0;
  const sleepers = new Set<Sleeper>();

  const next = (untilMs: number): Sleeper | undefined =>
    [...sleepers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];

  return {
    nowUnixMs: () => startUnixMs + elapsedMs + jumpedMs,
    monotonicMs: () => elapsedMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        const sleeper: Sleeper = {
          atMs: elapsedMs + Math.max(0, ms),
          wake: () => {
            sleepers.delete(sleeper);
            signal?.removeEventListener('abort', abort);
            resolve();
          },
        };
        const abort = (): void => {
          sleepers.delete(sleeper);
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', abort, { once: true });
        sleepers.add(sleeper);
      }),
    advance: async (ms) => {
      const untilMs = elapsedMs + ms;
      await settled();
      for (let sleeper = next(untilMs); sleeper; sleeper = next(untilMs)) {
        elapsedMs = Math.max(elapsedMs, sleeper.atMs);
        sleeper.wake();
        await settled();
      }
      elapsedMs = untilMs;
    },
    jump: (ms) => {
      jumpedMs += ms;
    },
  };
};

/** Lets promise chains run to where they wait again. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
