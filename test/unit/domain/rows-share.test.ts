import { describe, expect, it } from 'vitest';
import type { EntitlementView, WitnessRead } from '../../../src/domain/entitlement.ts';
import { known, unknown } from '../../../src/domain/fact.ts';
import type { MachineMemory } from '../../../src/domain/journal/memory.ts';
import type { Observation } from '../../../src/domain/observation.ts';
import type { HarmRequest } from '../../../src/domain/permit.ts';
import { DEFAULT_POLICY } from '../../../src/domain/policy.ts';
import { isOver, isPaid, lookAtExpiry, type Situation, wait, withPermit } from '../../../src/domain/situation.ts';
import { type Standing, standingNow } from '../../../src/domain/standing.ts';
import {
  exampleDomain,
  exampleMemory,
  exampleObservation,
  exampleView,
  NOW_MS,
  quiet,
} from '../../support/example-observation.ts';

/* What the rows of the table have in common: what counts as paid, when to look again, and the way to harm. */

const policy = { ...DEFAULT_POLICY, expiryMarginMs: 30_000, graceMs: 600_000 };
const SUSPEND: HarmRequest = { kind: 'suspend', begun: false };
const DESTROY: HarmRequest = { kind: 'destroy', begun: false };

const situation = (
  expiresIn: number,
  change: Partial<Observation> = {},
  view: Partial<EntitlementView> = {},
): Situation => {
  const observation = exampleObservation(exampleView(quiet({ expiresIn, lag: 0 }), view), change);
  const memory = observation.memory ?? exampleMemory;
  return {
    observation,
    policy,
    memory,
    state: 'suspended',
    standing: standingNow(observation, policy),
    domain: exampleDomain,
  };
};

describe('paid and over', () => {
  it.each<[Standing, boolean, boolean]>([
    ['paid', true, false],
    ['ending', false, false],
    ['over', false, true],
  ])('of a machine whose standing is %s: %s and %s', (standing, paid, over) => {
    const one = { ...situation(0), standing: known(standing) };
    expect([isPaid(one), isOver(one)]).toEqual([paid, over]);
  });

  it('is neither where the standing is unknown (L3)', () => {
    const one = { ...situation(0), standing: unknown('no endpoint answers', NOW_MS) };
    expect([isPaid(one), isOver(one)]).toEqual([false, false]);
  });
});

describe('the next look at an expiry (C14)', () => {
  it.each([
    ['is the moment after expiry and margin', 100, NOW_MS + 130_001],
    ['is that moment also where only the margin is left', -29, NOW_MS + 1001],
    ['is that moment where it is a millisecond away', -30, NOW_MS + 1],
    ['is a second from now where that moment is past', -31, NOW_MS + 1000],
  ])('%s', (_title, expiresIn, lookAgainAtUnixMs) => {
    expect(lookAtExpiry(situation(expiresIn))).toBe(lookAgainAtUnixMs);
  });

  it('is a second from now where that moment is this one, so that nobody looks in a circle', () => {
    const now = NOW_MS + 1;
    expect(lookAtExpiry(situation(-30, { nowUnixMs: now }))).toBe(now + 1000);
  });

  it('is not known where the expiry is not (L3)', () => {
    expect(lookAtExpiry(situation(100, {}, { head: unknown('no endpoint answers', NOW_MS) }))).toBeUndefined();
  });

  it('is left out of a wait that has none', () => {
    expect(wait('purged')).toStrictEqual({ because: 'purged' });
    expect(wait('soon', 5)).toStrictEqual({ because: 'soon', lookAgainAtUnixMs: 5 });
  });
});

describe('the way from a row to harm', () => {
  const go = (because: string) => ({ because, step: { do: 'save' } as const });

  it('is gone with a permit, and carries what the permit rests on (L9)', () => {
    expect(withPermit(situation(-60), SUSPEND, go)).toEqual({
      because: 'over at head, safe and by the wall clock',
      step: { do: 'save' },
    });
  });

  it('ends without one in a wait that says why, what the refusal is called, and when to look again', () => {
    const outcome = withPermit(situation(-10), SUSPEND, go);
    expect(outcome).toStrictEqual({
      because: 'not over before 2027-01-15T08:00:20.000Z by the wall clock',
      lookAgainAtUnixMs: NOW_MS + 20_001,
      refusal: 'not-over-yet',
    });
  });

  it.each(['suspend', 'destroy'] as const)(
    'trips the breaker of a %s that would be one too many, aloud (L10)',
    (kind) => {
      const witnesses = [{ ...FIRST, readAtUnixMs: NOW_MS - policy.witnessGapMs }];
      const many = { breakerWouldTrip: { [kind]: 'too many' }, memory: { ...exampleMemory, witnesses } };
      expect(withPermit(situation(-5000, many), { kind, begun: false }, go)).toStrictEqual({
        because: 'too many',
        refusal: 'breaker-trips',
        report: { level: 'error', what: 'breaker: too many' },
        chores: [{ chore: 'trip-breaker', harm: kind, reason: 'too many' }],
      });
    },
  );
});

const FIRST: WitnessRead = {
  endpoint: 'rpc#1',
  expiresAtUnix: BigInt(NOW_MS / 1000 - 5000),
  cancelled: false,
  blockNumber: 100n,
  blockHash: '0x64',
  readAtUnixMs: NOW_MS,
};

describe('the first read of a lone endpoint (C5, D22)', () => {
  const chores = (
    remembered: readonly WitnessRead[],
    view: Partial<EntitlementView> = { witnesses: [FIRST] },
    memory: MachineMemory = exampleMemory,
  ) => {
    const outcome = withPermit(
      situation(-5000, { memory: { ...memory, witnesses: [...remembered] } }, view),
      DESTROY,
      () => ({ because: 'destroyed' }),
    );
    expect(outcome.refusal).toBe('waiting-for-witness');
    return outcome.chores;
  };

  it('is noted, so that the second can be counted from it', () => {
    expect(chores([])).toEqual([{ chore: 'note-witness', read: FIRST }]);
  });

  it('is not noted twice: the gap would never end', () => {
    expect(chores([{ ...FIRST, readAtUnixMs: NOW_MS - 1000 }])).toEqual([]);
  });

  it('is noted anew where what was noted before said something else', () => {
    const afresh = [{ chore: 'note-witness', read: FIRST }];
    expect(chores([{ ...FIRST, expiresAtUnix: 9n }])).toEqual(afresh);
    expect(chores([{ ...FIRST, cancelled: true }])).toEqual(afresh);
    expect(chores([{ ...FIRST, expiresAtUnix: 9n }, FIRST])).toEqual([]);
  });

  it('is not noted where there is none', () => expect(chores([], { witnesses: [] })).toEqual([]));

  it('is not noted where several are configured: the others are waited for', () => {
    expect(chores([], { witnesses: [FIRST], endpointsConfigured: 2 })).toEqual([]);
  });

  it('is noted for no other refusal', () => {
    const outcome = withPermit(situation(-10, {}, { witnesses: [FIRST] }), DESTROY, () => ({ because: 'destroyed' }));
    expect(outcome).not.toHaveProperty('chores');
  });
});
