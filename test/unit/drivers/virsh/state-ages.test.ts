import { describe, expect, it } from 'vitest';
import { createStateAges } from '../../../../src/drivers/virsh/state-ages.ts';

const DAY_MS = 86_400_000;

const clockAt = (nowMs: number) => {
  let now = nowMs;
  const set = (ms: number): void => {
    now = ms;
  };
  return { nowUnixMs: () => now, set };
};

describe('the age of a state', () => {
  it('counts from when it was first seen, until another is seen or something happened (L7)', () => {
    const clock = clockAt(1000);
    const ages = createStateAges(clock);
    expect(ages.sinceUnixMs('u', 'off', 'crashed')).toBe(1000);
    clock.set(4000);
    expect(ages.sinceUnixMs('u', 'off', 'crashed')).toBe(1000);
    expect(ages.sinceUnixMs('u', 'running', 'booted')).toBe(4000);
    clock.set(5000);
    ages.forget('u');
    expect(ages.sinceUnixMs('u', 'running', 'booted')).toBe(5000);
  });

  it('counts anew from where the clock was set back to: no state began in the future (C9, L7)', () => {
    const clock = clockAt(40 * DAY_MS);
    const ages = createStateAges(clock);
    ages.sinceUnixMs('u', 'off', 'crashed');
    clock.set(10 * DAY_MS);
    expect(ages.sinceUnixMs('u', 'off', 'crashed')).toBe(10 * DAY_MS);
    clock.set(10 * DAY_MS + 6000);
    expect(ages.sinceUnixMs('u', 'off', 'crashed')).toBe(10 * DAY_MS);
  });
});
