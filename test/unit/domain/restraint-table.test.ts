import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffEndsUnixMs } from '../../../src/domain/backoff.ts';
import { allowance, breakerFacts } from '../../../src/domain/breaker.ts';
import {
  EMPTY_JOURNAL,
  type HarmKind,
  type JournalState,
  type MachineMemory,
} from '../../../src/domain/journal/memory.ts';
import { MINUTE, memory, NOW, policy } from '../../support/suspended-machine.ts';

/* What holds the program itself back. */

describe('backoff (L8)', () => {
  it('is within half and whole of the doubled pause, never longer than its cap, and the same for the same question', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 1, max: 2000 }), (uuid, count) => {
        const failure = { count, lastUnixMs: NOW };
        const pauseMs = backoffEndsUnixMs(uuid, failure, policy, NOW) - NOW;
        const fullMs = Math.min(policy.backoffMaxMs, policy.backoffFirstMs * 2 ** Math.min(count, 30));
        expect(pauseMs).toBeGreaterThanOrEqual(fullMs / 2);
        expect(pauseMs).toBeLessThanOrEqual(Math.min(fullMs, 5 * MINUTE));
        expect(backoffEndsUnixMs(uuid, failure, policy, NOW) - NOW).toBe(pauseMs);
      }),
    );
  });

  it('spreads machines that failed together', () => {
    const ends = Array.from({ length: 200 }, (_, index) =>
      backoffEndsUnixMs(`machine-${index}`, { count: 20, lastUnixMs: NOW }, policy, NOW),
    );
    expect(new Set(ends).size).toBeGreaterThan(100);
  });
});

describe('the breaker’s facts (L10, D28)', () => {
  const journal = (machines: number, harm: JournalState['harm'], gone = 0): JournalState => ({
    ...EMPTY_JOURNAL,
    machines: Object.fromEntries(
      Array.from({ length: machines + gone }, (_, index) => [
        `m${index}`,
        { ...memory, uuid: `m${index}`, phase: index < gone ? 'gone' : 'present' } as MachineMemory,
      ]),
    ),
    harm,
  });
  const harmed = (kind: HarmKind, count: number, agoMs = 1000) =>
    Array.from({ length: count }, (_, index) => ({ kind, uuid: `m${index}`, atUnixMs: NOW - agoMs }));
  const trips = (state: JournalState, kind: HarmKind): boolean =>
    breakerFacts(state, policy, NOW).breakerWouldTrip[kind] !== undefined;

  it.each([
    ['destroy', 1, 5],
    ['destroy', 25, 5],
    ['destroy', 26, 6],
    ['destroy', 100, 20],
    ['suspend', 1, 20],
    ['suspend', 40, 20],
    ['suspend', 41, 21],
    ['suspend', 100, 50],
  ] as const)('a %s: of %i machines %i fit into the window, and one more trips it', (kind, fleet, allowed) => {
    expect(allowance(policy.breaker[kind], fleet)).toBe(allowed);
    expect(trips(journal(fleet, harmed(kind, allowed - 1)), kind)).toBe(false);
    expect(trips(journal(fleet, harmed(kind, allowed)), kind)).toBe(true);
  });

  it('counts each kind by itself, each machine once, and only within the window', () => {
    expect(trips(journal(10, harmed('suspend', 20)), 'destroy')).toBe(false);
    expect(
      trips(journal(10, [...harmed('destroy', 4), ...harmed('destroy', 4), ...harmed('destroy', 4)]), 'destroy'),
    ).toBe(false);
    expect(trips(journal(10, harmed('destroy', 9, policy.breaker.destroy.windowMs)), 'destroy')).toBe(false);
    expect(trips(journal(10, harmed('destroy', 9, policy.breaker.destroy.windowMs - 1)), 'destroy')).toBe(true);
  });

  it('takes machines that are gone for no part of the fleet', () => {
    expect(trips(journal(10, harmed('destroy', 5), 1000), 'destroy')).toBe(true);
  });

  it('is open until it is acknowledged, however much time passes', () => {
    const state = { ...journal(10, []), breaker: { destroy: { atUnixMs: 1, reason: 'many' } } };
    expect(breakerFacts(state, policy, NOW).breaker).toEqual({ destroy: expect.stringContaining('many') });
  });
});
