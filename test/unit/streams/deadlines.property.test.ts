import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDeadlines } from '../../../streams/deadlines.ts';

const DAY_MS = 24 * 3600 * 1000;
const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const moment = fc.oneof(
  fc.integer({ min: 0, max: 20 }),
  fc.constantFrom(0, 2 ** 31 - 1, 2 ** 31, 30 * DAY_MS, Number.MAX_SAFE_INTEGER),
);

const act = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant('set' as const), key, at: moment }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('clear' as const), key }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('take' as const), at: moment }) },
);

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');
const heapMib = (): number => {
  collectGarbage();
  return process.memoryUsage().heapUsed / 2 ** 20;
};

describe('deadlines', () => {
  it('give back exactly the keys that are due by their latest time, earliest first, whatever was set and cleared before', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
        const deadlines = createDeadlines();
        const wanted = new Map<string, number>();
        for (const step of acts) {
          if (step.act === 'set') {
            deadlines.set(step.key, step.at);
            wanted.set(step.key, step.at);
          } else if (step.act === 'clear') {
            deadlines.clear(step.key);
            wanted.delete(step.key);
          } else {
            const taken = deadlines.takeDue(step.at);
            const due = [...wanted].filter(([, at]) => at <= step.at);
            expect([...taken].sort()).toEqual(due.map(([name]) => name).sort());
            const times = taken.map((name) => wanted.get(name) ?? -1);
            expect(times).toEqual([...times].sort((a, b) => a - b));
            for (const [name] of due) wanted.delete(name);
          }
          const earliest = wanted.size === 0 ? undefined : Math.min(...wanted.values());
          expect(deadlines.earliestUnixMs()).toBe(earliest);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('of thirty days and more never come early (C14)', () => {
    const deadlines = createDeadlines();
    deadlines.set('a', 30 * DAY_MS);
    for (let now = 0; now < 30 * DAY_MS; now += 6 * 3600 * 1000) expect(deadlines.takeDue(now)).toEqual([]);
    expect(deadlines.takeDue(30 * DAY_MS - 1)).toEqual([]);
    expect(deadlines.takeDue(30 * DAY_MS)).toEqual(['a']);
    expect(deadlines.takeDue(Number.MAX_SAFE_INTEGER)).toEqual([]);
  });

  it('do not grow with every change of mind', () => {
    const deadlines = createDeadlines();
    deadlines.set('far', 30 * DAY_MS);
    const before = heapMib();
    for (let count = 0; count < 400_000; count += 1) {
      deadlines.set('a', 10 * DAY_MS + count);
      deadlines.clear('a');
    }
    expect(heapMib() - before).toBeLessThan(12);
    expect(deadlines.earliestUnixMs()).toBe(30 * DAY_MS);
  });
});
