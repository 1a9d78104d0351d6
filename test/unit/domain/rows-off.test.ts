import { describe, expect, it } from 'vitest';
import type { StopCause } from '../../../src/domain/journal/memory.ts';
import { NOW_MS } from '../../support/example-observation.ts';
import { ENDING, OFF, OVER, PAID, PAID_LOOK_MS, rowPlan, stopped, unknownChain } from '../../support/row-plan.ts';

/* The rows for a machine that is off or suspended: which one fires, and what it wants. */

const START = { do: 'start', dropSaved: false, linkDown: false };
const begin = { chore: 'note-suspended', atUnixMs: NOW_MS };
const takenBack = { chore: 'note-suspension-over', why: 'paid again' };

describe('a machine that is off', () => {
  it('is looked at again when its stop can be believed, and not before (L7)', () => {
    const fresh = rowPlan(PAID, { ...OFF, sinceUnixMs: NOW_MS - 4999 });
    expect(fresh).toMatchObject({ row: 'stop-unsettled', chores: [], lookAgainAtUnixMs: NOW_MS + 1 });
    expect(fresh.step).toBeUndefined();
    expect(rowPlan(PAID, { ...OFF, sinceUnixMs: NOW_MS - 5000 }).row).toBe('stays-off');
  });

  it('is started at once where its last failure lies ahead: the clock was set back, and would hold it off for as long (C9)', () => {
    const failure = { count: 9, lastUnixMs: NOW_MS + 30 * 86_400_000, message: 'died', curable: true };
    expect(rowPlan(PAID, OFF, { ...stopped('crash'), failures: { crash: failure } })).toMatchObject({
      row: 'restart',
      step: START,
    });
    expect(rowPlan(PAID, OFF, { ...stopped('host'), failures: { start: failure } })).toMatchObject({
      row: 'restart',
      step: START,
    });
  });

  it('because we stopped it is suspended from now on, or started where it was paid meanwhile', () => {
    const expiry = stopped('expiry');
    expect(rowPlan(OVER, OFF, expiry)).toMatchObject({ row: 'suspended-now', chores: [begin] });
    expect(rowPlan(ENDING, OFF, expiry)).toMatchObject({ row: 'suspended-now', chores: [begin] });
    expect(rowPlan(PAID, OFF, expiry)).toMatchObject({ row: 'paid-again-while-stopping', step: START });
  });

  it.each(['owner', 'admin', 'crash', 'host'] as const)(
    'since it was stopped by %s is suspended when its time is over; nothing happens to it, so no breaker counts it',
    (cause) => {
      const trips = { breakerWouldTrip: { suspend: 'many' } };
      const expired = rowPlan(OVER, OFF, stopped(cause), trips);
      expect(expired).toMatchObject({
        row: 'expired-off',
        because: expect.stringMatching(/over at head, safe.*; it was off already/),
        chores: [begin],
      });
      expect(expired.step).toBeUndefined();
    },
  );

  it.each([
    ['crash', 'its qemu died'],
    ['host', 'it ran before the host went down'],
  ] as const)('because of a %s is started at once, chain or not (L6, D16)', (cause, because) => {
    for (const change of [{}, unknownChain])
      expect(rowPlan(PAID, OFF, stopped(cause), change)).toMatchObject({ row: 'restart', because, step: START });
    expect(rowPlan(ENDING, OFF, stopped(cause))).toMatchObject({ row: 'restart', step: START });
  });

  it('because it crashed again waits as long as after one failure less (L8)', () => {
    const crashed = (count: number, agoMs: number, cause: StopCause = 'crash', nowUnixMs = NOW_MS) =>
      rowPlan(
        PAID,
        OFF,
        {
          ...stopped(cause),
          failures: { crash: { count, lastUnixMs: NOW_MS - agoMs, message: 'died', curable: true } },
        },
        { nowUnixMs },
      );
    expect(crashed(1, 0).step).toEqual(START);
    expect(crashed(9, 0, 'host').step).toEqual(START);
    const second = crashed(2, 999);
    expect(second).toMatchObject({ row: 'restart', because: 'crash 2 in a row' });
    expect(second.step).toBeUndefined();
    const until = second.lookAgainAtUnixMs ?? 0;
    expect(until).toBeGreaterThan(NOW_MS);
    expect(until).toBeLessThanOrEqual(NOW_MS + 1001);
    expect(crashed(2, 999, 'crash', until).step).toEqual(START);
    expect(crashed(2, 2000).step).toEqual(START);
    expect(crashed(3, 1999).step).toBeUndefined();
  });

  it('because its owner powered it off stays so, unless the policy says otherwise and it is paid for (D16)', () => {
    const owner = stopped('owner');
    const stays = rowPlan(PAID, OFF, owner);
    expect(stays).toMatchObject({
      row: 'stays-off',
      because: 'its owner powered it off',
      chores: [],
      lookAgainAtUnixMs: PAID_LOOK_MS,
    });
    expect(stays.step).toBeUndefined();
    const starts = { onOwnerStop: 'start' } as const;
    expect(rowPlan(PAID, OFF, owner, {}, starts)).toMatchObject({ row: 'owner-off-start', step: START });
    expect(rowPlan(ENDING, OFF, owner, {}, starts).row).toBe('stays-off');
    expect(rowPlan(PAID, OFF, owner, unknownChain, starts).row).toBe('stays-off');
  });

  it('because an operator stopped it stays so, whatever the policy says of owners (L11, D16)', () => {
    const stays = rowPlan(PAID, OFF, stopped('admin'), {}, { onOwnerStop: 'start' });
    expect(stays).toMatchObject({ row: 'stays-off', because: 'it was stopped by hand' });
    expect(stays.step).toBeUndefined();
  });
});

describe('a machine that is suspended', () => {
  const DAY_MS = 24 * 3600 * 1000;
  const suspended = { ...stopped('expiry'), suspendedAtUnixMs: NOW_MS - 8 * DAY_MS };

  it('is started when it is paid again', () => {
    expect(rowPlan(PAID, OFF, suspended)).toMatchObject({ row: 'paid-again', step: START });
    expect(rowPlan(PAID, OFF, { suspendedAtUnixMs: 1, run: undefined })).toMatchObject({
      row: 'paid-again',
      step: START,
    });
  });

  it('but not where an operator had stopped it: its suspension is over, and it is off as before (L11)', () => {
    const left = rowPlan(PAID, OFF, { ...suspended, ...stopped('admin') });
    expect(left).toMatchObject({ row: 'paid-but-stopped-by-hand', chores: [takenBack] });
    expect(left.step).toBeUndefined();
    const byCommand = { ...suspended, adminStop: { by: 'anna', sinceUnixMs: 1 } };
    expect(rowPlan(PAID, OFF, byCommand)).toMatchObject({ row: 'paid-but-stopped-by-hand', chores: [takenBack] });
    expect(rowPlan(ENDING, OFF, { ...suspended, ...stopped('admin') }).row).toBe('grace-over/not-over-yet');
  });

  it('is destroyed when its grace has passed, which counts for the breaker (C10, L10)', () => {
    const read = {
      endpoint: 'rpc#1',
      expiresAtUnix: BigInt(NOW_MS / 1000 - 8 * 24 * 3600),
      cancelled: false,
      blockNumber: 1n,
      blockHash: '0x1',
      readAtUnixMs: NOW_MS - 600_000,
    };
    const over = { ...suspended, witnesses: [read] };
    expect(rowPlan(-8 * 24 * 3600, OFF, over)).toMatchObject({
      row: 'grace-over',
      step: { do: 'destroy' },
      because: expect.stringMatching(/finalized.*; grace has passed/),
    });
    expect(rowPlan(-8 * 24 * 3600, OFF, over, { breakerWouldTrip: { destroy: 'many' } })).toMatchObject({
      row: 'grace-over/breaker-trips',
      report: { level: 'error' },
    });
  });
});
