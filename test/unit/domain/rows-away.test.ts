import { describe, expect, it } from 'vitest';
import { decide } from '../../../src/domain/decide.ts';
import type { DomainState } from '../../../src/domain/domain-state.ts';
import { known as fact, unknown } from '../../../src/domain/fact.ts';
import type { MachineMemory } from '../../../src/domain/journal/memory.ts';
import type { Observation } from '../../../src/domain/observation.ts';
import { DEFAULT_POLICY } from '../../../src/domain/policy.ts';
import { exampleMemory, exampleObservation, exampleView, NOW_MS, quiet } from '../../support/example-observation.ts';
import { OFF, ON, PAID, rowPlan } from '../../support/row-plan.ts';

/* The rows for a machine that has no domain, or is on its way to or from having none. */

const GRACE_OVER = -8 * 24 * 3600;
const TRIPS = { breakerWouldTrip: { destroy: 'many' } };
const read = {
  endpoint: 'rpc#1',
  expiresAtUnix: BigInt(NOW_MS / 1000 + GRACE_OVER),
  cancelled: false,
  blockNumber: 1n,
  blockHash: '0x1',
  readAtUnixMs: NOW_MS - 600_000,
};

const plan = (
  phase: MachineMemory['phase'],
  expiresIn: number,
  domain: DomainState | 'absent',
  change: Partial<Observation> = {},
  remembered: Partial<MachineMemory> = {},
) => {
  const suspendedAtUnixMs = NOW_MS + GRACE_OVER * 1000;
  const made = rowPlan(expiresIn, domain, { phase, witnesses: [read], suspendedAtUnixMs, ...remembered }, change);
  expect(made.chores).toEqual([]);
  return made;
};
const told = (level: string, words: RegExp) => ({ level, what: expect.stringMatching(words) });

describe('a machine that is being created', () => {
  it('is left to its command, and looked at again soon, while that runs or nobody knows (L3)', () => {
    for (const createRuns of [fact(true), unknown('no answer', NOW_MS)]) {
      const left = plan('creating', PAID, ON, { createRuns });
      expect(left).toMatchObject({ row: 'being-created', lookAgainAtUnixMs: NOW_MS + 5000 });
      expect(left.step).toBeUndefined();
    }
  });

  it('is undone where its command ended before it was committed', () => {
    expect(plan('creating', PAID, ON, { createRuns: fact(false) })).toMatchObject({
      row: 'create-broken-off',
      step: { do: 'undo-create' },
    });
  });
});

describe('a machine whose destruction was ordered (D14)', () => {
  const ordered = { ordered: { by: 'anna', sinceUnixMs: 1 } };

  it('is destroyed for good wherever it stands, paid or not, and the journal says by whose word', () => {
    for (const phase of ['present', 'destroying', 'quarantined', 'restoring'] as const)
      expect(plan(phase, PAID, OFF, {}, ordered)).toMatchObject({
        row: 'destroy-ordered',
        because: 'destroyed by anna',
        step: { do: 'destroy-for-good' },
      });
  });

  it('waits while it is protected, until the very end of that (L11)', () => {
    const word = { reason: 'evidence', by: 'bert', sinceUnixMs: 1 };
    const until = (untilUnixMs?: number) =>
      plan('present', PAID, OFF, {}, { ...ordered, protect: { ...word, untilUnixMs } });
    const kept = until(NOW_MS + 1);
    expect(kept).toMatchObject({ row: 'protected-from-destroy', lookAgainAtUnixMs: NOW_MS + 1 });
    expect(kept.because).toContain('bert');
    expect(kept.step).toBeUndefined();
    expect(until()).toMatchObject({ row: 'protected-from-destroy' });
    expect(until(NOW_MS)).toMatchObject({ row: 'destroy-ordered', step: { do: 'destroy-for-good' } });
  });
});

describe('a machine whose destruction has begun', () => {
  it('is put together again where somebody started it, and that is told', () => {
    for (const expiresIn of [GRACE_OVER, PAID]) {
      expect(plan('destroying', expiresIn, ON)).toMatchObject({
        row: 'started-while-destroying',
        step: { do: 'restore' },
        report: told('warn', /started by hand in the middle of its destruction/),
      });
    }
  });

  it('is put together again where it was paid, wherever it is by now (C11)', () => {
    for (const domain of [OFF, 'absent'] as const) {
      const back = plan('destroying', PAID, domain);
      expect(back).toMatchObject({ row: 'paid-while-destroying', step: { do: 'restore' } });
      expect(back.report).toBeUndefined();
    }
  });

  it('is taken apart to its end, which counts for no breaker again (L4, L10)', () => {
    for (const domain of [OFF, 'absent'] as const) {
      expect(plan('destroying', GRACE_OVER, domain, TRIPS)).toMatchObject({
        row: 'destroy-goes-on',
        step: { do: 'destroy' },
        because: expect.stringMatching(/finalized.*; finishing what was begun/),
      });
    }
    expect(plan('destroying', -60, OFF).row).toBe('destroy-goes-on/not-over-yet');
  });
});

it.each([
  ['destroying', 'destroy-goes-on'],
  ['quarantined', 'quarantine-over'],
] as const)(
  'what is left to do of a destruction (%s) is one as well: two who agree, its own breaker (C5, L10)',
  (phase, row) => {
    const quarantine = { sinceUnixMs: 1, untilUnixMs: 2 };
    const refused = (change: Partial<Observation>, remembered: Partial<MachineMemory>) =>
      plan(phase, GRACE_OVER, 'absent', change, { quarantine, ...remembered });
    expect(refused({}, { witnesses: [] }).row).toBe(`${row}/waiting-for-witness`);
    expect(refused({ breaker: { destroy: 'many' } }, {}).row).toBe(`${row}/breaker-open`);
    expect(refused({ breaker: { suspend: 'many' } }, {}).row).toBe(row);
  },
);

it('a machine whose restoring has begun is restored to its end, paid or not (L4)', () => {
  for (const expiresIn of [PAID, GRACE_OVER]) {
    expect(plan('restoring', expiresIn, 'absent')).toMatchObject({
      row: 'restore-goes-on',
      step: { do: 'restore' },
    });
  }
});

describe('a machine in quarantine (D21)', () => {
  const until = (untilUnixMs: number) => ({ quarantine: { sinceUnixMs: 1, untilUnixMs } });

  it('whose domain is back is left to an operator, even if it is paid or its time has passed', () => {
    for (const expiresIn of [PAID, GRACE_OVER]) {
      const back = plan('quarantined', expiresIn, OFF, {}, until(NOW_MS - 1));
      expect(back).toMatchObject({ row: 'back-by-hand', report: told('error', /nothing is purged; decide by hand/) });
      expect(back.step).toBeUndefined();
    }
  });

  it('comes back for a late payment, until it is purged (C11)', () => {
    for (const untilUnixMs of [NOW_MS + 1, NOW_MS - 1])
      expect(plan('quarantined', PAID, 'absent', {}, until(untilUnixMs))).toMatchObject({
        row: 'late-payment',
        step: { do: 'restore' },
      });
  });

  it('is kept to the millisecond, then purged, which counts for no breaker again', () => {
    const kept = plan('quarantined', GRACE_OVER, 'absent', {}, until(NOW_MS + 1));
    expect(kept).toMatchObject({ row: 'in-quarantine', lookAgainAtUnixMs: NOW_MS + 1 });
    expect(kept.step).toBeUndefined();
    expect(plan('quarantined', GRACE_OVER, 'absent', TRIPS, until(NOW_MS))).toMatchObject({
      row: 'quarantine-over',
      step: { do: 'purge' },
      because: expect.stringMatching(/finalized.*; quarantine has passed/),
    });
  });

  it('is kept for good where it is not known until when', () => {
    const kept = plan('quarantined', GRACE_OVER, 'absent', {}, { quarantine: undefined });
    expect(kept.row).toBe('in-quarantine');
    expect(kept.step).toBeUndefined();
    expect(kept.lookAgainAtUnixMs).toBeUndefined();
  });
});

describe('a machine whose domain is missing (D13)', () => {
  const since = (absentSinceUnixMs: number) => ({ absentSinceUnixMs });

  it('is told of when it is paid for and has been missing for long enough', () => {
    const early = plan('present', PAID, 'absent', since(NOW_MS - 899_999));
    expect(early).toMatchObject({ row: 'missing', lookAgainAtUnixMs: NOW_MS + 2 });
    expect(early.report).toBeUndefined();
    const late = plan('present', PAID, 'absent', since(NOW_MS - 900_000));
    expect(late).toMatchObject({ row: 'paid-but-missing', report: told('error', /restore it, or run create/) });
    expect(late.step).toBeUndefined();
  });

  it('is nobody’s loss where it is not paid for, and nothing is concluded where it is not known since when', () => {
    expect(plan('present', GRACE_OVER, 'absent', since(NOW_MS - 900_000))).toMatchObject({ row: 'missing' });
    const unknownSince = plan('present', PAID, 'absent');
    expect(unknownSince.row).toBe('missing');
    expect(unknownSince.lookAgainAtUnixMs).toBeUndefined();
  });
});

describe('a machine that was purged', () => {
  it('and is paid for afterwards is reported: its customer needs another (C11)', () => {
    const paid = plan('gone', PAID, 'absent');
    expect(paid).toMatchObject({ row: 'paid-but-gone', report: told('error', /its customer needs a new machine/) });
    expect(paid.step).toBeUndefined();
  });

  it('by an operator’s order, and known by its record alone, is over, though that record is still paid (D14)', () => {
    const paid = fact({ name: 'blockhost-007', status: 'destroyed', expiresAtUnix: BigInt(NOW_MS / 1000) + 1000n });
    const gone = (ordered: MachineMemory['ordered']) =>
      decide(
        exampleObservation(exampleView(quiet({ expiresIn: 1000, lag: 0 })), {
          memory: { ...exampleMemory, machineClass: { kind: 'record-only' }, phase: 'gone', ordered },
          domain: fact('absent'),
          record: paid as Observation['record'],
          chain: { kind: 'not-bound' },
        }),
        DEFAULT_POLICY,
      );
    expect(gone({ by: 'ann', sinceUnixMs: NOW_MS })).toMatchObject({ row: 'gone' });
    expect(gone({ by: 'ann', sinceUnixMs: NOW_MS }).report).toBeUndefined();
    expect(gone(undefined)).toMatchObject({ row: 'paid-but-gone' });
  });

  it('is left in peace otherwise', () => {
    const gone = plan('gone', GRACE_OVER, 'absent');
    expect(gone.row).toBe('gone');
    expect(gone.step ?? gone.report ?? gone.lookAgainAtUnixMs).toBeUndefined();
  });
});
