import { describe, expect, it } from 'vitest';
import { decide } from '../../../src/domain/decide.ts';
import type { DomainState } from '../../../src/domain/domain-state.ts';
import { known, unknown } from '../../../src/domain/fact.ts';
import type { MachineMemory } from '../../../src/domain/journal/memory.ts';
import type { Observation } from '../../../src/domain/observation.ts';
import { HARM_OF } from '../../../src/domain/plan.ts';
import { DEFAULT_POLICY } from '../../../src/domain/policy.ts';
import {
  EXAMPLE_UUID,
  exampleDomain,
  exampleMemory,
  exampleObservation,
  exampleView,
  type Level,
  NOW_MS,
  quiet,
} from '../../support/example-observation.ts';

/* What holds for whichever row fires: words of operators, pauses after failures, and what a decision says of itself. */

const NOW_UNIX = 1_800_000_000n;
const LONG_OVER = -8 * 24 * 3600;
const at = (expiresIn: number, lag = 0): Level => ({ expiresIn, lag });
const why = unknown('virsh does not answer', NOW_MS);
const domain: DomainState = { ...exampleDomain, metadata: { schema: 1, uuid: EXAMPLE_UUID } };
const off: DomainState = { ...domain, run: 'off', reason: 'destroyed' };
const read = {
  endpoint: 'rpc#1',
  expiresAtUnix: NOW_UNIX - 691_200n,
  cancelled: false,
  blockNumber: 1n,
  blockHash: '0x1',
  readAtUnixMs: NOW_MS - 600_000,
};
const memory: MachineMemory = {
  ...exampleMemory,
  run: { on: true, atUnixMs: 1, bootId: 'boot' },
  lastExpiresAtUnix: NOW_UNIX + 100n,
};

const plan = (change: Partial<Observation> = {}, levels: Parameters<typeof exampleView>[0] = quiet(at(100))) =>
  decide(
    exampleObservation(exampleView(levels), { memory, domain: known(domain), record: why, ...change }),
    DEFAULT_POLICY,
  );

describe('a machine of which nothing is seen', () => {
  it('is left alone, known or not, and the plan says why (L3)', () => {
    for (const remembered of [memory, undefined]) {
      const unseen = plan({ domain: why, memory: remembered });
      expect(unseen).toMatchObject({ row: 'unseen', because: 'virsh does not answer' });
      expect(unseen.step).toBeUndefined();
    }
  });

  it('is not known at all: adopted, with nothing else done to it (D8)', () => {
    const adopted = plan({ memory: undefined });
    expect(adopted).toMatchObject({ row: 'known-by-metadata', chores: [{ chore: 'adopt', how: 'metadata' }] });
    expect(adopted.step).toBeUndefined();
  });
});

describe('a machine that is held (L11)', () => {
  const held = (untilUnixMs?: number) =>
    plan(
      { memory: { ...memory, hold: { reason: 'disk is copied', by: 'anna', sinceUnixMs: 1, untilUnixMs } } },
      quiet(at(-31)),
    );

  it('is not touched until the very end of its hold, and is looked at then', () => {
    const now = held(NOW_MS + 1);
    expect(now).toMatchObject({
      row: 'held',
      because: expect.stringMatching(/anna.*disk is copied/),
      lookAgainAtUnixMs: NOW_MS + 1,
    });
    expect(now.step).toBeUndefined();
    expect(held(NOW_MS)).toMatchObject({ row: 'expired-running', step: { do: 'request-shutdown' } });
  });

  it('is not held by a word without an end: a hold always ends', () => {
    expect(held()).toMatchObject({ row: 'expired-running' });
  });

  it('has its upkeep all the same', () => {
    expect(held(NOW_MS + 1).chores).toEqual([{ chore: 'note-expiry', expiresAtUnix: NOW_UNIX - 31n }]);
  });
});

describe('a step that failed (L8)', () => {
  const failed = (step: string, count: number, agoMs: number, curable = true) => ({
    [step]: { count, lastUnixMs: NOW_MS - agoMs, message: 'no space left', curable },
  });
  const restoring = (failures: MachineMemory['failures'], nowUnixMs = NOW_MS) =>
    plan({ nowUnixMs, memory: { ...memory, phase: 'restoring', failures }, domain: known('absent') });
  const destroying = (failures: MachineMemory['failures']) =>
    plan(
      { memory: { ...memory, phase: 'destroying', witnesses: [read], failures }, domain: known(off) },
      quiet(at(LONG_OVER)),
    );
  const alarm = (words: RegExp) => ({ level: 'error', what: expect.stringMatching(words) });

  it('waits for its pause, and is tried again the moment that is over', () => {
    const waiting = restoring(failed('restore', 1, 999));
    expect(waiting).toMatchObject({ row: 'backing-off', because: 'restore failed 1 times: no space left' });
    expect(waiting.step).toBeUndefined();
    expect(waiting.report).toBeUndefined();
    const until = waiting.lookAgainAtUnixMs ?? 0;
    expect(until).toBeGreaterThan(NOW_MS);
    expect(until).toBeLessThanOrEqual(NOW_MS + 1001);
    expect(restoring(failed('restore', 1, 999), until)).toMatchObject({
      row: 'restore-goes-on',
      step: { do: 'restore' },
    });
  });

  it('does not hold back another step', () => {
    expect(restoring(failed('start', 1, 0, false))).toMatchObject({ step: { do: 'restore' } });
    expect(plan({ memory: { ...memory, failures: failed('start', 1, 0, false) } })).toMatchObject({ row: 'goes-on' });
  });

  it('that is kind is tried for as long as it takes, with an alarm once it failed too often', () => {
    expect(restoring(failed('restore', 29, 300_000)).report).toBeUndefined();
    expect(restoring(failed('restore', 30, 300_000))).toMatchObject({
      row: 'restore-goes-on',
      step: { do: 'restore' },
      report: alarm(/restore failed 30 times: no space left/),
    });
    const waiting = restoring(failed('restore', 30, 0));
    expect(waiting).toMatchObject({ row: 'backing-off', report: alarm(/restore failed 30 times/) });
    expect(waiting.step).toBeUndefined();
  });

  it('that is harm waits for an operator once it failed too often', () => {
    expect(destroying(failed('destroy', 29, 300_000))).toMatchObject({ step: { do: 'destroy' } });
    const parked = destroying(failed('destroy', 30, 300_000));
    expect(parked).toMatchObject({ row: 'parked', report: alarm(/destroy failed and needs an operator: no space/) });
    expect(parked.because).toBe(parked.report?.what);
    expect(parked.step).toBeUndefined();
  });

  it('that time cannot cure waits for an operator at once, harm or not', () => {
    for (const parked of [restoring(failed('restore', 1, 1e9, false)), destroying(failed('destroy', 1, 1e9, false))]) {
      expect(parked).toMatchObject({ row: 'parked', report: { level: 'error' } });
      expect(parked.step).toBeUndefined();
    }
  });

  it.each([
    ['request-shutdown', DEFAULT_POLICY, undefined],
    ['save', { ...DEFAULT_POLICY, suspendMode: 'save' as const }, undefined],
    [
      'power-off',
      DEFAULT_POLICY,
      {
        sinceUnixMs: NOW_MS - 120_000,
        requests: 9,
        lastRequestUnixMs: NOW_MS - 10_000,
        powerOffs: 0,
        lastPowerOffUnixMs: 0,
        saveFailed: false,
      },
    ],
  ])(
    'of a suspension, %s, never holds the next one back: the escalation has its own pace',
    (step, policy, suspending) => {
      const remembered = { ...memory, suspending, failures: failed(step, 99, 0, false) };
      const made = decide(
        exampleObservation(exampleView(quiet(at(-31))), { memory: remembered, domain: known(domain), record: why }),
        policy,
      );
      expect(made).toMatchObject({ step: { do: step } });
      expect(made.report).toBeUndefined();
    },
  );
});

describe('what a decision rests on (L9)', () => {
  const levels = { head: at(100), safe: at(90, 20), finalized: at(80, 40) };
  const level = (name: string, expiresAtUnix: bigint, timestampUnix: bigint) => ({
    level: name,
    expiresAtUnix,
    blockNumber: 100n,
    blockHash: '0x64',
    timestampUnix,
  });
  const head = level('head', NOW_UNIX + 100n, NOW_UNIX);
  const finalized = level('finalized', NOW_UNIX + 80n, NOW_UNIX - 40n);

  it('is said with it: row, reason, policy, time, and every level that was read; nothing stands there without a value', () => {
    expect(plan({}, levels)).toStrictEqual({
      row: 'goes-on',
      because: 'paid for',
      chores: [],
      lookAgainAtUnixMs: NOW_MS + 130_001,
      basis: {
        row: 'goes-on',
        because: 'paid for',
        policyVersion: 1,
        observedAtUnixMs: NOW_MS,
        expiresAtUnix: NOW_UNIX + 100n,
        blockNumber: 100n,
        blockHash: '0x64',
        levels: [head, level('safe', NOW_UNIX + 90n, NOW_UNIX - 20n), finalized],
      },
    });
  });

  it('leaves out a level that is unknown, and tells what each endpoint said', () => {
    const view = exampleView(levels, { safe: why, witnesses: [read] });
    const { basis } = plan({ chain: { kind: 'view', view } });
    expect(basis).toMatchObject({ levels: [head, finalized], witnesses: [read] });
  });

  it('is no expiry while the head is unknown, and no chain where there is none (D12)', () => {
    const headless = plan({ chain: { kind: 'view', view: exampleView(levels, { head: why }) } }).basis;
    expect(headless).toMatchObject({ expiresAtUnix: undefined, blockNumber: undefined, blockHash: undefined });
    expect(headless.levels).toHaveLength(2);
    const chainless = plan({ chain: { kind: 'not-configured' } }).basis;
    expect(chainless.expiresAtUnix).toBeUndefined();
    expect('levels' in chainless).toBe(false);
  });

  it('is, for a refusal, the row with what refused it; and a stopped machine waits without a look where none is due', () => {
    const waiting = plan({ gateWaitsFor: ['records'] }, quiet(at(-31)));
    expect(waiting).toMatchObject({ row: 'expired-running/boot-gate', basis: { row: 'expired-running' } });
    expect('lookAgainAtUnixMs' in waiting).toBe(false);
    expect('step' in waiting).toBe(false);
  });
});

it('the breaker counts what stops a machine as a suspension, what takes it away as a destruction, and nothing else (L10)', () => {
  expect(HARM_OF).toEqual({
    'request-shutdown': 'suspend',
    save: 'suspend',
    'power-off': 'suspend',
    destroy: 'destroy',
    purge: 'destroy',
  });
});
