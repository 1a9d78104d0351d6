import { describe, expect, it } from 'vitest';
import { known, unknown } from '../../../src/domain/fact.ts';
import type { MachineMemory } from '../../../src/domain/journal/memory.ts';
import { stateOf } from '../../../src/domain/machine-state.ts';
import { type HarmRequest, permitHarm } from '../../../src/domain/permit.ts';
import { DEFAULT_POLICY } from '../../../src/domain/policy.ts';
import { expiryAt, graceEndUnixMs, standingNow, standingOf, unixMsOf } from '../../../src/domain/standing.ts';
import {
  exampleDomain,
  exampleMemory,
  exampleObservation,
  exampleView,
  type Level,
  NOW_MS,
  quiet,
} from '../../support/example-observation.ts';

/* To the second: where a comparison is off by one, one of these says so. */

const policy = { ...DEFAULT_POLICY, expiryMarginMs: 30_000, graceMs: 600_000 };
const SUSPEND: HarmRequest = { kind: 'suspend', begun: false };
const DESTROY: HarmRequest = { kind: 'destroy', begun: false };

const permit = (levels: Parameters<typeof exampleView>[0], request = SUSPEND, memory: Partial<MachineMemory> = {}) =>
  permitHarm(exampleObservation(exampleView(levels), { memory: { ...exampleMemory, ...memory } }), request, policy);

const at = (expiresIn: number, lag = 0): Level => ({ expiresIn, lag });

describe('where a machine stands', () => {
  const view = exampleView(quiet(at(100)));
  const state = (memory: Partial<MachineMemory>, domain: Parameters<typeof known>[0] = exampleDomain) =>
    stateOf(
      exampleObservation(view, {
        memory: { ...exampleMemory, ...memory },
        domain: known(domain as typeof exampleDomain),
      }),
    );
  const off = { ...exampleDomain, run: 'off' } as const;
  const suspending = {
    sinceUnixMs: 1,
    requests: 1,
    lastRequestUnixMs: 1,
    powerOffs: 0,
    lastPowerOffUnixMs: 0,
    saveFailed: false,
  };

  it.each([
    ['running', state({})],
    ['stopping', state({ suspending })],
    ['off', state({}, off)],
    ['off', state({}, { ...exampleDomain, run: 'crashed' })],
    ['suspended', state({ suspendedAtUnixMs: 5 }, off)],
    ['running', state({ suspendedAtUnixMs: 5 })],
    ['missing', state({}, 'absent')],
    ['destroying', state({ phase: 'destroying' }, 'absent')],
    ['quarantined', state({ phase: 'quarantined' }, 'absent')],
    ['restoring', state({ phase: 'restoring' })],
    ['gone', state({ phase: 'gone' }, 'absent')],
  ])('is %s', (wanted, found) => expect(found).toBe(wanted));

  it('is unseen while libvirt does not answer, whatever is remembered, and a stranger where nothing is', () => {
    expect(stateOf(exampleObservation(view, { domain: unknown('no answer', 1) }))).toBe('unseen');
    expect(stateOf(exampleObservation(view, { domain: unknown('no answer', 1), memory: undefined }))).toBe('unseen');
    expect(stateOf(exampleObservation(view, { memory: undefined }))).toBe('stranger');
  });
});

describe('standing, to the millisecond (C9)', () => {
  const standing = (expiresAtUnixMs: number, blockUnixMs: number, nowUnixMs: number) =>
    standingOf({ expiresAtUnixMs, blockUnixMs }, nowUnixMs, policy);

  it('is paid while neither clock has reached the expiry', () => {
    expect(standing(1000, 999, 999)).toBe('paid');
    expect(standing(1000, 1000, 999)).toBe('ending');
    expect(standing(1000, 999, 1000)).toBe('ending');
  });

  it('is over when both clocks are past expiry and margin', () => {
    expect(standing(1000, 31_001, 31_001)).toBe('over');
    expect(standing(1000, 31_000, 31_001)).toBe('ending');
    expect(standing(1000, 31_001, 31_000)).toBe('ending');
  });

  it('counts grace from expiry or from the real suspension, whichever was later (C10)', () => {
    expect(graceEndUnixMs(1000, undefined, policy)).toBe(601_000);
    expect(graceEndUnixMs(1000, 5000, policy)).toBe(605_000);
    expect(graceEndUnixMs(1000, 500, policy)).toBe(601_000);
  });

  it('takes expiries beyond what a date can be for the end of time', () => {
    expect(unixMsOf(8_640_000_000_000n)).toBe(8_640_000_000_000_000);
    expect(unixMsOf(8_640_000_000_001n)).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('takes an operator’s grant where it is later than the chain, and the chain where that is later (D15)', () => {
    const granted = (grantIn: number) =>
      expiryAt(
        exampleObservation(exampleView(quiet(at(100))), {
          memory: { ...exampleMemory, grantUntilUnix: BigInt(NOW_MS / 1000 + grantIn) },
        }),
        'head',
      );
    expect(granted(200)).toMatchObject({ value: { expiresAtUnixMs: NOW_MS + 200_000 } });
    expect(granted(50)).toMatchObject({ value: { expiresAtUnixMs: NOW_MS + 100_000 } });
  });

  it('of a machine without subscription is its record’s, by the wall clock; a lost record’s is the one remembered', () => {
    const memory: MachineMemory = {
      ...exampleMemory,
      machineClass: { kind: 'record-only' },
      lastExpiresAtUnix: BigInt(NOW_MS / 1000 + 9),
    };
    const view = exampleView(quiet(at(-9999)));
    const expiry = expiryAt(exampleObservation(view, { memory }), 'head');
    expect(expiry).toMatchObject({ known: true, value: { expiresAtUnixMs: NOW_MS + 9000, blockUnixMs: NOW_MS } });
    expect(standingNow(exampleObservation(view, { memory, record: unknown('torn', 1) }), policy).known).toBe(false);
  });

  it('of a bound machine without its chain in the configuration is unknown, never over (D12)', () => {
    const observation = exampleObservation(exampleView(quiet(at(-9999))), { chain: { kind: 'not-configured' } });
    expect(expiryAt(observation, 'head')).toMatchObject({ known: false });
    expect(expiryAt({ ...observation, memory: undefined }, 'head')).toMatchObject({ known: false });
  });
});

describe('a permit, to the second', () => {
  it('to suspend is there the moment after expiry and margin by both clocks, and not before', () => {
    expect(permit(quiet(at(-31)))).toMatchObject({ granted: true, level: 'safe' });
    expect(permit(quiet(at(-30)))).toMatchObject({ refusal: 'not-over-yet', lookAgainAtUnixMs: NOW_MS + 1 });
    expect(permit(quiet(at(-10)))).toMatchObject({ refusal: 'not-over-yet', lookAgainAtUnixMs: NOW_MS + 20_001 });
    expect(permit(quiet(at(1)))).toMatchObject({ refusal: 'paid', lookAgainAtUnixMs: NOW_MS + 31_001 });
    expect(permit(quiet(at(0)))).toMatchObject({ refusal: 'not-over-yet' });
  });

  it('waits for the safe block’s time, and looks again when that will have passed', () => {
    const levels = { head: at(-40), safe: at(-40, 10), finalized: at(-40, 20) };
    expect(permit(levels)).toMatchObject({ refusal: 'waiting-for-finality', lookAgainAtUnixMs: NOW_MS + 1 });
    expect(permit({ ...levels, safe: at(-40, 15) })).toMatchObject({ lookAgainAtUnixMs: NOW_MS + 5001 });
    expect(permit({ ...levels, safe: at(-40, 9) })).toMatchObject({ granted: true });
  });

  it('looks again soon where only an older level still says paid: a cancellation that has not settled', () => {
    const cancelled = { head: at(-60), safe: at(9999, 50), finalized: at(9999, 90) };
    expect(permit(cancelled)).toMatchObject({ refusal: 'paid', lookAgainAtUnixMs: NOW_MS + 20_000 });
    expect(permit({ ...cancelled, safe: at(9999, 30) })).toMatchObject({
      refusal: 'paid',
      lookAgainAtUnixMs: NOW_MS + 1000,
    });
  });

  it('to destroy wants the grace past at the finalized block, counted from the suspension where that was later', () => {
    const levels = (lag: number) => ({ head: at(-5000), safe: at(-5000, 5), finalized: at(-5000, lag) });
    const witnesses = [
      {
        endpoint: 'rpc#1',
        expiresAtUnix: BigInt(NOW_MS / 1000 - 5000),
        cancelled: false,
        blockNumber: 1n,
        blockHash: '0x1',
        readAtUnixMs: NOW_MS - 600_000,
      },
    ];
    expect(permit(levels(20), DESTROY, { witnesses })).toMatchObject({ granted: true, level: 'finalized' });
    const suspendedAtUnixMs = NOW_MS - 640_000;
    expect(permit(levels(9), DESTROY, { witnesses, suspendedAtUnixMs })).toMatchObject({ granted: true });
    expect(permit(levels(10), DESTROY, { witnesses, suspendedAtUnixMs })).toMatchObject({
      refusal: 'waiting-for-finality',
    });
    expect(permit(levels(9), DESTROY, { witnesses, suspendedAtUnixMs: NOW_MS - 630_000 })).toMatchObject({
      refusal: 'not-over-yet',
    });
  });

  it('wants the second read of a lone endpoint exactly the gap after the first (C5)', () => {
    const read = {
      endpoint: 'rpc#1',
      expiresAtUnix: BigInt(NOW_MS / 1000 - 5000),
      cancelled: false,
      blockNumber: 1n,
      blockHash: '0x1',
    };
    const readAgo = (ageMs: number) =>
      permit(quiet(at(-5000)), DESTROY, { witnesses: [{ ...read, readAtUnixMs: NOW_MS - ageMs }] });
    expect(readAgo(policy.witnessGapMs)).toMatchObject({ granted: true });
    expect(readAgo(policy.witnessGapMs - 1)).toMatchObject({
      refusal: 'waiting-for-witness',
      lookAgainAtUnixMs: NOW_MS + 1,
    });
  });

  it('ends with the freshness of its facts, and with clocks further apart than allowed', () => {
    const fresh = (readAtUnixMs: number) =>
      permitHarm(exampleObservation(exampleView(quiet(at(-500)), { readAtUnixMs })), SUSPEND, policy);
    expect(fresh(NOW_MS - policy.freshForHarmMs)).toMatchObject({ granted: true });
    expect(fresh(NOW_MS - policy.freshForHarmMs - 1)).toMatchObject({
      refusal: 'facts-too-old',
      lookAgainAtUnixMs: NOW_MS,
    });
    expect(fresh(NOW_MS + policy.freshForHarmMs)).toMatchObject({ granted: true });
    expect(fresh(NOW_MS + policy.freshForHarmMs + 1)).toMatchObject({ refusal: 'facts-too-old' });
    expect(permit(quiet(at(-500, 120)))).toMatchObject({ granted: true });
    expect(permit(quiet(at(-500, 121)))).toMatchObject({ refusal: 'clocks-apart' });
  });

  it('to suspend is refused while several endpoints disagree, and granted while the others are silent (C12)', () => {
    const said = {
      expiresAtUnix: BigInt(NOW_MS / 1000 - 500),
      cancelled: false,
      blockNumber: 1n,
      blockHash: '0x1',
      readAtUnixMs: NOW_MS,
    };
    const among = (witnesses: readonly object[], change = {}) =>
      permitHarm(
        exampleObservation(
          exampleView(quiet(at(-500)), { endpointsConfigured: 2, witnesses: witnesses as never, ...change }),
        ),
        SUSPEND,
        policy,
      );
    expect(among([{ endpoint: 'rpc#1', ...said }])).toMatchObject({ granted: true });
    expect(
      among([
        { endpoint: 'rpc#1', ...said },
        { endpoint: 'rpc#2', ...said, expiresAtUnix: 9n },
      ]),
    ).toMatchObject({ refusal: 'facts-unknown' });
    expect(among([], { finalized: unknown('they disagree', 1) })).toMatchObject({ refusal: 'facts-unknown' });
    expect(among([], { finalized: unknown('no tag', 1), endpointsConfigured: 1 })).toMatchObject({ granted: true });
  });

  it('heeds a protection until its very end', () => {
    const until = (untilUnixMs: number) =>
      permit(quiet(at(-500)), SUSPEND, { protect: { reason: 'r', by: 'b', sinceUnixMs: 1, untilUnixMs } });
    expect(until(NOW_MS + 1)).toMatchObject({ refusal: 'protected', lookAgainAtUnixMs: NOW_MS + 1 });
    expect(until(NOW_MS)).toMatchObject({ granted: true });
  });
});
