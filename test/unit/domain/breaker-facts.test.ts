import { describe, expect, it } from 'vitest';
import { breakerFacts } from '../../../src/domain/breaker.ts';
import { EMPTY_JOURNAL, type HarmKind, type JournalState } from '../../../src/domain/journal/memory.ts';
import { DEFAULT_POLICY, type Policy } from '../../../src/domain/policy.ts';
import { exampleMemory, NOW_MS } from '../../support/example-observation.ts';

/* What the breaker tells the decision and its operator (L10, D28). */

const policy: Policy = {
  ...DEFAULT_POLICY,
  breaker: {
    suspend: { count: 3, share: 0.5, windowMs: 600_000 },
    destroy: { count: 2, share: 0.25, windowMs: 3_600_000 },
  },
};
const harmed = (kind: HarmKind, count: number): JournalState['harm'] =>
  Array.from({ length: count }, (_, index) => ({ kind, uuid: `m${index}`, atUnixMs: NOW_MS - 1000 }));
const journal = (fleet: number, change: Partial<JournalState>): JournalState => ({
  ...EMPTY_JOURNAL,
  machines: Object.fromEntries(
    Array.from({ length: fleet }, (_, index) => [`m${index}`, { ...exampleMemory, uuid: `m${index}` }]),
  ),
  ...change,
});
const facts = (fleet: number, change: Partial<JournalState> = {}) =>
  breakerFacts(journal(fleet, change), policy, NOW_MS);

describe('the breaker', () => {
  it('has nothing to say in quiet times', () => {
    expect(facts(8)).toStrictEqual({ breaker: {}, breakerWouldTrip: {} });
    expect(facts(8, { harm: [...harmed('suspend', 2), ...harmed('destroy', 1)] })).toStrictEqual({
      breaker: {},
      breakerWouldTrip: {},
    });
  });

  it('says how many machines were harmed in which time, how many may be, and which word releases it', () => {
    expect(facts(8, { harm: [...harmed('suspend', 4), ...harmed('destroy', 2)] })).toStrictEqual({
      breaker: {},
      breakerWouldTrip: {
        suspend:
          '4 machines had a suspend within 600 s, and 4 are allowed; see what they share, then `ack breaker:suspend`',
        destroy:
          '2 machines had a destroy within 3600 s, and 2 are allowed; see what they share, then `ack breaker:destroy`',
      },
    });
  });

  it('allows the smallest count also where the fleet is a single machine', () => {
    expect(facts(1, { harm: harmed('suspend', 2) }).breakerWouldTrip).toStrictEqual({});
    expect(facts(1, { harm: harmed('suspend', 3) }).breakerWouldTrip).toHaveProperty('suspend');
  });

  it('that is open says what tripped it, does not trip again, and leaves the other kind alone', () => {
    const breaker = { suspend: { atUnixMs: 1, reason: 'too many at once' } };
    expect(facts(4, { breaker, harm: [...harmed('suspend', 4), ...harmed('destroy', 1)] })).toStrictEqual({
      breaker: { suspend: 'the breaker is open: too many at once' },
      breakerWouldTrip: {},
    });
    expect(facts(4, { breaker, harm: harmed('destroy', 2) }).breakerWouldTrip).toHaveProperty('destroy');
  });
});
