import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSystemClock } from '../../../../src/drivers/clock/system-clock.ts';

const DAY_MS = 24 * 3600 * 1000;

describe('the system clock', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([2 ** 31, 2 ** 31 + 1, 30 * DAY_MS])('sleeps %i ms and not a moment less (C14)', async (ms) => {
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const clock = createSystemClock();
    let woke = false;
    const sleeping = clock.sleep(ms).then(() => {
      woke = true;
    });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(woke).toBe(false);
    await vi.advanceTimersByTimeAsync(ms - 20_000);
    expect(woke).toBe(false);
    await vi.advanceTimersByTimeAsync(10_010);
    await sleeping;
    for (const [, delay] of timers.mock.calls) expect(delay).toBeLessThanOrEqual(60_000);
  });

  it('sleeps not at all for zero and less', async () => {
    const clock = createSystemClock();
    const sleeping = Promise.all([clock.sleep(0), clock.sleep(-5)]);
    await vi.advanceTimersByTimeAsync(1);
    await expect(sleeping).resolves.toHaveLength(2);
  });

  it('is woken by its signal with the reason, at once, also when that came before', async () => {
    const clock = createSystemClock();
    const stop = new AbortController();
    const sleeping = clock.sleep(30 * DAY_MS, stop.signal);
    const failed = expect(sleeping).rejects.toBe('enough');
    stop.abort('enough');
    await failed;
    await expect(clock.sleep(1, stop.signal)).rejects.toBe('enough');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves no listener behind on a signal that many sleeps share', async () => {
    const clock = createSystemClock();
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, 'removeEventListener');
    const sleeping = clock.sleep(150_000, signal);
    await vi.advanceTimersByTimeAsync(150_010);
    await sleeping;
    expect(removed.mock.calls.length).toBeGreaterThanOrEqual(3);
  });

  it('never goes back, and counts in milliseconds', async () => {
    vi.useRealTimers();
    const clock = createSystemClock();
    const [wall, mono] = [clock.nowUnixMs(), clock.monotonicMs()];
    await clock.sleep(30);
    expect(clock.monotonicMs() - mono).toBeGreaterThanOrEqual(30);
    expect(clock.nowUnixMs() - wall).toBeGreaterThanOrEqual(29);
  });
});
