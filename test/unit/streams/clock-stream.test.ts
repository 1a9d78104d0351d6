import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../../src/simulator/time/virtual-clock.ts';
import { clockStream$ } from '../../../streams/clock-stream.ts';
import { createDeadlines } from '../../../streams/deadlines.ts';
import type { Wake } from '../../../streams/wake.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 10, 21);

const run = (random = 0.5) => {
  const clock = createVirtualClock(START);
  const longest = { ms: 0 };
  const watched = {
    ...clock,
    sleep: (ms: number, signal?: AbortSignal) => {
      longest.ms = Math.max(longest.ms, ms);
      return clock.sleep(ms, signal);
    },
  };
  const deadlines = createDeadlines();
  const heard: { readonly wake: Wake; readonly atMs: number }[] = [];
  const jumps: number[] = [];
  const calendar: { expression?: string; due?: () => void; ended: boolean } = { ended: false };
  const errors: unknown[] = [];
  const subscription = clockStream$({
    clock: watched,
    deadlines,
    calendar: {
      schedule: (expression, due) => {
        Object.assign(calendar, { expression, due });
        return () => {
          calendar.ended = true;
        };
      },
    },
    sweepEveryMs: 5 * MINUTE,
    nightly: '17 3 * * *',
    random: () => random,
    onJump: (byMs) => jumps.push(byMs),
  }).subscribe({
    next: (wake) => heard.push({ wake, atMs: clock.monotonicMs() }),
    error: (error: unknown) => errors.push(error),
  });
  const what = (text: string) => heard.filter(({ wake }) => wake.why.what === text);
  return { clock, deadlines, heard, what, jumps, calendar, longest, errors, subscription };
};

describe('the clock stream', () => {
  it('wakes one machine when its deadline has come, at most one tick late, and once', async () => {
    const { clock, deadlines, what, subscription } = run();
    deadlines.set('a', START + 1500);
    deadlines.set('b', START + 2500);
    await clock.advance(10_000);
    const due = what('deadline').map(({ wake, atMs }) => [wake.target, atMs]);
    expect(due).toEqual([
      [{ kind: 'machine', uuid: 'a' }, 1500],
      [{ kind: 'machine', uuid: 'b' }, 2500],
    ]);
    subscription.unsubscribe();
  });

  it('hears of a deadline that is set while it sleeps', async () => {
    const { clock, deadlines, what, subscription } = run();
    await clock.advance(300);
    deadlines.set('a', START + 350);
    await clock.advance(1000);
    expect(what('deadline')).toHaveLength(1);
    expect(what('deadline')[0]?.atMs).toBeLessThanOrEqual(1000);
    subscription.unsubscribe();
  });

  it('never wakes early for a deadline in thirty days, and never trusts a timer longer than a second (C14)', async () => {
    const { clock, deadlines, what, longest, subscription } = run();
    deadlines.set('a', START + 30 * DAY);
    await clock.advance(20 * MINUTE);
    expect(what('deadline')).toEqual([]);
    expect(longest.ms).toBeLessThanOrEqual(1000);
    subscription.unsubscribe();
  });

  it('is not kept busy by a deadline that is past or infinitely far', async () => {
    const { clock, deadlines, what, longest, subscription } = run();
    deadlines.set('past', START - DAY);
    deadlines.set('never', Number.POSITIVE_INFINITY);
    await clock.advance(3000);
    expect(what('deadline').map(({ wake }) => wake.target)).toEqual([{ kind: 'machine', uuid: 'past' }]);
    expect(longest.ms).toBeLessThanOrEqual(1000);
    subscription.unsubscribe();
  });

  it.each([
    [0, 4 * MINUTE],
    [0.5, 5 * MINUTE],
    [1, 6 * MINUTE],
  ])('sweeps every few minutes with jitter: random %f means every %i ms (L12)', async (random, everyMs) => {
    const { clock, what, subscription } = run(random);
    await clock.advance(19 * MINUTE);
    const times = what('sweep').map(({ atMs }) => atMs);
    expect(times).toHaveLength(Math.floor((19 * MINUTE) / everyMs));
    for (const [index, atMs] of times.entries()) {
      expect(Math.abs(atMs - (index + 1) * everyMs)).toBeLessThanOrEqual(1000 * (index + 1));
    }
    expect(what('sweep')[0]?.wake.target).toEqual({ kind: 'all' });
    subscription.unsubscribe();
  });

  it('sweeps at night when the calendar says so', () => {
    const { calendar, what, subscription } = run();
    expect(calendar.expression).toBe('17 3 * * *');
    calendar.due?.();
    expect(what('nightly sweep').map(({ wake }) => wake.target)).toEqual([{ kind: 'all' }]);
    subscription.unsubscribe();
  });

  it.each([3 * HOUR, -3 * HOUR, 30 * DAY, -30 * DAY])(
    'tells of a jump of the wall clock by %i ms, once, before any deadline is taken (C9)',
    async (byMs) => {
      const { clock, deadlines, heard, jumps, subscription } = run();
      deadlines.set('a', START + HOUR);
      await clock.advance(2000);
      clock.jump(byMs);
      await clock.advance(3000);
      expect(jumps).toEqual([byMs]);
      expect(heard[0]?.wake).toMatchObject({ target: { kind: 'all' }, why: { what: 'the wall clock jumped' } });
      expect(heard.slice(1).map(({ wake }) => wake.why.what)).toEqual(byMs > 0 ? ['deadline'] : []);
      subscription.unsubscribe();
    },
  );

  it('goes on sweeping by the clock that never jumps', async () => {
    const { clock, what, subscription } = run();
    clock.jump(-30 * DAY);
    await clock.advance(11 * MINUTE);
    expect(what('sweep')).toHaveLength(2);
    subscription.unsubscribe();
  });

  it('takes small corrections of the clock for no jump, however many there are', async () => {
    const { clock, jumps, subscription } = run();
    for (let count = 0; count < 20; count += 1) {
      clock.jump(900);
      await clock.advance(2000);
    }
    expect(jumps).toEqual([]);
    subscription.unsubscribe();
  });

  it('ends calendar and ticks when nobody listens any more, without an error', async () => {
    const { clock, deadlines, heard, calendar, errors, subscription } = run();
    subscription.unsubscribe();
    deadlines.set('a', START);
    await clock.advance(20 * MINUTE);
    expect([calendar.ended, heard, errors]).toEqual([true, [], []]);
  });
});
