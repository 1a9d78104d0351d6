import type { Clock } from '../../ports/clock.ts';
import { createHeap } from './heap.ts';

/** A clock that moves only when it is told to. Sleepers wake in order, each seeing the time it asked for. */
export interface VirtualClock extends Clock {
  /** Moves the clock, waking sleepers on the way and letting what they started settle. */
  advance(ms: number): Promise<void>;
  /** Moves the wall clock alone, as an operator or NTP does. */
  jump(ms: number): void;
  /** The same time for one process: when it dies, nothing wakes any more in it. */
  processClock(): Clock & { kill(): void };
}

interface Sleeper {
  readonly atMs: number;
  /** Undefined once it needs no waking. */
  wake: (() => void) | undefined;
}

/**
 * Time stands still while anything of this process runs. What is awaited may be promises and nothing else: whatever
 * waits for a real timer or for input is not seen.
 */
export const createVirtualClock = (startUnixMs = Date.UTC(2026, 0, 1)): VirtualClock => {
  let elapsedMs = 0;
  let jumpedMs = 0;
  const sleepers = createHeap<Sleeper>((sleeper) => sleeper.atMs);

  const next = (untilMs: number): Sleeper | undefined => {
    for (let top = sleepers.top(); top && top.atMs <= untilMs; top = sleepers.top()) {
      sleepers.pop();
      if (top.wake) return top;
    }
    return undefined;
  };

  /** Whole milliseconds, as every system tells it; waits may be fractions. */
  const nowUnixMs = (): number => Math.floor(startUnixMs + elapsedMs + jumpedMs);

  const sleepWhile =
    (alive: () => boolean): Clock['sleep'] =>
    (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        const sleeper: Sleeper = {
          atMs: elapsedMs + Math.max(0, ms),
          wake: () => {
            signal?.removeEventListener('abort', abort);
            if (alive()) resolve();
          },
        };
        const abort = (): void => {
          sleeper.wake = undefined;
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', abort, { once: true });
        sleepers.push(sleeper);
      });

  return {
    nowUnixMs,
    monotonicMs: () => elapsedMs,
    sleep: sleepWhile(() => true),
    processClock: () => {
      let alive = true;
      return {
        nowUnixMs,
        monotonicMs: () => elapsedMs,
        sleep: sleepWhile(() => alive),
        kill: () => {
          alive = false;
        },
      };
    },
    advance: async (ms) => {
      const untilMs = elapsedMs + ms;
      await settled();
      for (let sleeper = next(untilMs); sleeper; sleeper = next(untilMs)) {
        elapsedMs = Math.max(elapsedMs, sleeper.atMs);
        const { wake } = sleeper;
        sleeper.wake = undefined;
        wake?.();
        await settled();
      }
      elapsedMs = untilMs;
    },
    jump: (ms) => {
      jumpedMs += ms;
    },
  };
};

/** Lets promise chains run to where they wait again: before the next immediate, every one of them has. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
