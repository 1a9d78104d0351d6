import { describe, expect, it } from 'vitest';
import { known } from '../../../src/domain/fact.ts';
import type { HarmKind } from '../../../src/domain/journal/memory.ts';
import type { Observation } from '../../../src/domain/observation.ts';
import { permitHarm } from '../../../src/domain/permit.ts';
import {
  chain,
  MINUTE,
  NOW,
  observation,
  policy,
  UNIX,
  view,
  why,
  withMemory,
  withView,
  word,
} from '../../support/suspended-machine.ts';

/* Whom a permit is refused, and for what (L3, L9, C5, C9). */

describe('a permit to harm', () => {
  it('is given where everything speaks for it', () => {
    for (const kind of ['suspend', 'destroy'] as const)
      expect(permitHarm(observation(), { kind, begun: false }, policy)).toMatchObject({ granted: true });
  });

  it.each<[string, HarmKind | 'both', Partial<Observation>, string]>([
    ['while the machine is protected (L11)', 'both', withMemory({ protect: word }), 'protected'],
    [
      'while a protection has not ended (L11)',
      'both',
      withMemory({ protect: { ...word, untilUnixMs: NOW + 1 } }),
      'protected',
    ],
    ['while start-up waits for anything (L6)', 'both', { gateWaitsFor: ['records'] }, 'boot-gate'],
    [
      'while the wall clock is in doubt (C9)',
      'both',
      { clockDoubt: { byMs: -10_800_000, atUnixMs: NOW } },
      'clock-in-doubt',
    ],
    ['while the breaker of its kind is open (L10)', 'suspend', { breaker: { suspend: 'open' } }, 'breaker-open'],
    ['while the breaker of its kind is open (L10)', 'destroy', { breaker: { destroy: 'open' } }, 'breaker-open'],
    [
      'when it would trip the breaker (L10)',
      'both',
      { breakerWouldTrip: { suspend: 'many', destroy: 'many' } },
      'breaker-trips',
    ],
    ['while the head is unknown (L3)', 'both', withView({ head: why }), 'facts-unknown'],
    ['while safe is unknown (L3, C5)', 'both', withView({ safe: why }), 'facts-unknown'],
    ['while finalized is unknown (L3, C5)', 'destroy', withView({ finalized: why }), 'facts-unknown'],
    [
      'while the chain of a bound machine is not configured (D12)',
      'both',
      { chain: { kind: 'not-configured' } },
      'facts-unknown',
    ],
    ['when the head says paid (C11)', 'both', chain({ all: -30 * 24 * 3600, head: 60 }), 'paid'],
    ['when only safe says paid (L9)', 'both', chain({ all: -30 * 24 * 3600, safe: 60 }), 'paid'],
    ['when only finalized says paid (L9)', 'destroy', chain({ all: -30 * 24 * 3600, finalized: 60 }), 'paid'],
    ['when a grant outlasts the chain (D15)', 'both', withMemory({ grantUntilUnix: UNIX + 60n }), 'paid'],
    ['before the margin has passed by the wall clock (C9)', 'suspend', chain({ all: -10 }), 'not-over-yet'],
    ['before the margin has passed by the block time (C9)', 'suspend', chain({ all: -60 }, 50), 'waiting-for-finality'],
    ['before the grace is over since the expiry (C10)', 'destroy', chain({ all: -24 * 3600 }), 'not-over-yet'],
    [
      'before the grace is over since the real suspension (C10)',
      'destroy',
      withMemory({ suspendedAtUnixMs: NOW - MINUTE }),
      'not-over-yet',
    ],
    [
      'on a reading that is old (C5)',
      'both',
      withView({ readAtUnixMs: NOW - policy.freshForHarmMs - 1 }),
      'facts-too-old',
    ],
    [
      'on a reading from the future (C9)',
      'both',
      withView({ readAtUnixMs: NOW + policy.freshForHarmMs + 1 }),
      'facts-too-old',
    ],
    ['while head and wall clock are apart (C9)', 'suspend', chain({ all: -3600 }, 200), 'clocks-apart'],
    [
      'when two endpoints disagree (C5)',
      'destroy',
      withView({
        witnesses: view({ all: -30 * 24 * 3600 }).witnesses.map((read, index) => ({
          ...read,
          expiresAtUnix: read.expiresAtUnix + BigInt(index),
        })),
      }),
      'facts-unknown',
    ],
    [
      'when one says cancelled and the other does not (C5)',
      'destroy',
      withView({
        witnesses: view({ all: -30 * 24 * 3600 }).witnesses.map((read, index) => ({ ...read, cancelled: index === 1 })),
      }),
      'facts-unknown',
    ],
    [
      'when one of two endpoints answers (C5)',
      'destroy',
      withView({ witnesses: view({ all: -30 * 24 * 3600 }).witnesses.slice(0, 1) }),
      'waiting-for-witness',
    ],
    [
      'when one endpoint answers twice in a row (C5)',
      'destroy',
      withView({ witnesses: view({ all: -30 * 24 * 3600 }).witnesses.map((read) => ({ ...read, endpoint: 'rpc#1' })) }),
      'waiting-for-witness',
    ],
    [
      'on the first read of the only endpoint (D22)',
      'destroy',
      withView({ endpointsConfigured: 1, witnesses: view({ all: -30 * 24 * 3600 }).witnesses.slice(0, 1) }),
      'waiting-for-witness',
    ],
    [
      'when the record of a machine without subscription is unknown (L3)',
      'both',
      { ...withMemory({ machineClass: { kind: 'record-only' } }), record: why },
      'facts-unknown',
    ],
    [
      'when such a record has no date and none is remembered (L3)',
      'both',
      { ...withMemory({ machineClass: { kind: 'record-only' } }), record: known(undefined) },
      'facts-unknown',
    ],
    ['when such a record is not over', 'both', withMemory({ machineClass: { kind: 'record-only' } }), 'paid'],
  ])('is refused %s', (_title, kind, change, refusal) => {
    for (const each of kind === 'both' ? (['suspend', 'destroy'] as const) : [kind]) {
      expect(permitHarm(observation(change), { kind: each, begun: false }, policy)).toMatchObject({
        granted: false,
        refusal,
      });
    }
  });

  it('does not count against the breaker what has begun already, but an open breaker stops that, too', () => {
    expect(
      permitHarm(observation({ breakerWouldTrip: { destroy: 'x' } }), { kind: 'destroy', begun: true }, policy).granted,
    ).toBe(true);
    expect(
      permitHarm(observation({ breaker: { destroy: 'x' } }), { kind: 'destroy', begun: true }, policy).granted,
    ).toBe(false);
  });

  it('is given on two reads of the only endpoint once they are far enough apart (C5, D22)', () => {
    const only = withView({ endpointsConfigured: 1, witnesses: view({ all: -30 * 24 * 3600 }).witnesses.slice(0, 1) });
    const [read] = view({ all: -30 * 24 * 3600 }).witnesses;
    const earlier = (ms: number) => withMemory({ witnesses: read ? [{ ...read, readAtUnixMs: NOW - ms }] : [] });
    const permit = (ms: number) =>
      permitHarm(observation({ ...only, ...earlier(ms) }), { kind: 'destroy', begun: false }, policy);
    expect(permit(policy.witnessGapMs - 1)).toMatchObject({
      refusal: 'waiting-for-witness',
      lookAgainAtUnixMs: NOW + 1,
    });
    expect(permit(policy.witnessGapMs).granted).toBe(true);
  });
});
