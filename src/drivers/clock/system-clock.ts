import type { Clock } from '../../ports/clock.ts';

/** The longest wait that one timer is trusted with: above 2^31 ms Node's timers fire at once (C14). */
const LONGEST_TIMER_MS = 60_000;

const shortSleep = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });

const monotonicMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);

/** The machine's own clocks. `sleep` takes any length: it is cut into short timers. */
export const createSystemClock = (): Clock => ({
  nowUnixMs: () => Date.now(),
  monotonicMs,
  sleep: async (ms, signal) => {
    const endMs = monotonicMs() + ms;
    do {
      await shortSleep(Math.max(0, Math.min(endMs - monotonicMs(), LONGEST_TIMER_MS)), signal);
    } while (monotonicMs() < endMs);
  },
});
