import { describe, expect, it } from 'vitest';
import type { DomainState } from '../../../src/domain/domain-state.ts';
import { known } from '../../../src/domain/fact.ts';
import type { MachineMemory } from '../../../src/domain/journal/memory.ts';
import type { Observation } from '../../../src/domain/observation.ts';
import { exampleMemory, NOW_MS } from '../../support/example-observation.ts';
import { ENDING, ON, OVER, PAID, PAID_LOOK_MS, rowPlan, suspending, unknownChain } from '../../support/row-plan.ts';

/* The rows for a machine that is on: which one fires, and what it wants. */

const OWNER = `0x${'a1'.repeat(20)}` as const;
const BUYER = `0x${'b2'.repeat(20)}` as const;
const takenBack = { chore: 'note-suspension-over', why: 'paid again' };

describe('a machine that runs', () => {
  it('goes on, and is looked at again when its expiry and the margin will have passed', () => {
    const paid = rowPlan(PAID, ON);
    expect(paid).toMatchObject({ row: 'goes-on', because: 'paid for', chores: [], lookAgainAtUnixMs: PAID_LOOK_MS });
    expect(paid.step).toBeUndefined();
    expect(rowPlan(ENDING, ON)).toMatchObject({
      row: 'goes-on',
      because: 'at its end, not over yet',
      lookAgainAtUnixMs: NOW_MS + 20_001,
    });
  });

  it('goes on while the chain is unknown, and says why (L3)', () => {
    const unseen = rowPlan(PAID, ON, {}, unknownChain);
    expect(unseen).toMatchObject({ row: 'goes-on', because: expect.stringContaining('no endpoint answers') });
    expect(unseen.lookAgainAtUnixMs).toBeUndefined();
  });

  it('is asked to shut down when its time is over, and the journal says on what ground (L9)', () => {
    expect(rowPlan(OVER, ON)).toMatchObject({
      row: 'expired-running',
      step: { do: 'request-shutdown', mode: 'acpi' },
      because: expect.stringMatching(/over at head, safe.*; first request/),
    });
  });

  it('counts for the breaker when its suspension begins, and not again while it goes on (L10)', () => {
    const trips = { breakerWouldTrip: { suspend: 'many' } };
    const refused = rowPlan(OVER, ON, {}, trips);
    expect(refused).toMatchObject({ row: 'expired-running/breaker-trips' });
    expect(refused.step).toBeUndefined();
    const asked = { suspending: { ...suspending, lastRequestUnixMs: NOW_MS - 10_000 } };
    expect(rowPlan(OVER, ON, asked, trips)).toMatchObject({ row: 'still-stopping', step: { do: 'request-shutdown' } });
  });

  it('that is paused on a disk error wants an operator, unless its time is over', () => {
    const broken: DomainState = { ...ON, run: 'paused', reason: 'io-error' };
    const told = rowPlan(PAID, broken);
    expect(told).toMatchObject({
      row: 'io-error',
      report: { level: 'error', what: expect.stringMatching(/disk error.*resume it by hand/) },
    });
    expect(told.step).toBeUndefined();
    expect(rowPlan(PAID, { ...ON, reason: 'io-error' }).row).toBe('goes-on');
    expect(rowPlan(OVER, broken)).toMatchObject({ row: 'expired-running', step: { do: 'power-off', how: 'graceful' } });
  });

  it.each(['paused', 'pmsuspended'] as const)('that somebody else left %s is left so, and told', (run) => {
    const told = rowPlan(PAID, { ...ON, run, reason: 'user' });
    expect(told).toMatchObject({
      row: 'paused-by-hand',
      report: { level: 'warn', what: expect.stringMatching(/paused by somebody else/) },
      lookAgainAtUnixMs: PAID_LOOK_MS,
    });
    expect(told.step).toBeUndefined();
  });
});

describe('a machine whose credential was sold (D25)', () => {
  const details = { ...exampleMemory.details, nftTokenId: 7n, nftMinted: true };
  const owners = (head: typeof OWNER | typeof BUYER, safe: typeof OWNER | typeof BUYER) => ({
    login: { tokenId: 7n, head: known(head), safe: known(safe), readAtUnixMs: NOW_MS },
  });
  const login = (
    remembered: Partial<MachineMemory> = {},
    change: Partial<Observation> = owners(BUYER, BUYER),
    state: DomainState = ON,
  ) => rowPlan(PAID, state, { details, ...remembered }, change);
  const mute = { ...ON, agentConnected: false };

  it('lets its new owner in, and it is noted once since when there is one', () => {
    expect(login()).toMatchObject({
      row: 'new-owner',
      because: 'the credential has a new owner',
      step: { do: 'set-login', owner: BUYER },
      chores: [{ chore: 'note-new-owner' }],
    });
    expect(login({ newOwnerSinceUnixMs: NOW_MS })).toMatchObject({ row: 'new-owner', chores: [] });
  });

  it.each([
    ['is not settled', owners(BUYER, OWNER), ON],
    ['cannot be told to the guest', owners(BUYER, BUYER), mute],
  ])('is looked at again soon while the new owner %s', (_title, change, state) => {
    const waiting = login({}, change, state);
    expect(waiting).toMatchObject({ row: 'new-owner', lookAgainAtUnixMs: NOW_MS + 5000 });
    expect(waiting.step).toBeUndefined();
    expect(waiting.report).toBeUndefined();
  });

  it('gets its link back when its owner is right; there is no new one to note', () => {
    expect(login({ linkDownSinceUnixMs: NOW_MS }, owners(OWNER, OWNER))).toMatchObject({
      row: 'new-owner',
      because: 'GECOS is right',
      step: { do: 'link-up' },
      chores: [],
    });
    expect(login({}, owners(OWNER, OWNER)).row).toBe('goes-on');
  });

  it('is an alarm when it takes longer than the policy allows, since the earlier of the two, and says what follows', () => {
    const told = (remembered: Partial<MachineMemory>) => login(remembered, owners(BUYER, BUYER), mute).report;
    const intime = NOW_MS - 300_000;
    const late = NOW_MS - 300_001;
    const alarm = (words: RegExp) => ({ level: 'error', what: expect.stringMatching(words) });
    expect(told({ newOwnerSinceUnixMs: intime })).toBeUndefined();
    expect(told({ linkDownSinceUnixMs: intime })).toBeUndefined();
    expect(told({ newOwnerSinceUnixMs: late })).toEqual(
      alarm(/GECOS could not be set; the former owner may still log in/),
    );
    expect(told({ linkDownSinceUnixMs: late })).toEqual(alarm(/GECOS could not be set; the link stays down/));
    expect(told({ linkDownSinceUnixMs: late, newOwnerSinceUnixMs: intime })).toEqual(alarm(/link stays down/));
    expect(told({ linkDownSinceUnixMs: intime, newOwnerSinceUnixMs: late })).toEqual(alarm(/link stays down/));
  });

  it('goes on being worked at while the alarm is given', () => {
    expect(login({ newOwnerSinceUnixMs: NOW_MS - 300_001 })).toMatchObject({ step: { do: 'set-login' } });
    const waiting = login({ linkDownSinceUnixMs: NOW_MS - 300_001 }, owners(BUYER, OWNER));
    expect(waiting).toMatchObject({ chores: [{ chore: 'note-new-owner' }], lookAgainAtUnixMs: NOW_MS + 5000 });
  });
});

describe('a machine that is being suspended', () => {
  const asked = (change: Partial<typeof suspending>) => ({ suspending: { ...suspending, ...change } });

  it('and is paid again is taken back once it could have gone down and did not', () => {
    const early = rowPlan(PAID, ON, asked({ lastRequestUnixMs: NOW_MS - 119_999 }));
    expect(early).toMatchObject({ row: 'suspension-taken-back', chores: [], lookAgainAtUnixMs: NOW_MS + 1 });
    const late = rowPlan(PAID, ON, asked({ lastRequestUnixMs: NOW_MS - 120_000 }));
    expect(late).toMatchObject({ row: 'suspension-taken-back', chores: [takenBack] });
    expect(late.step).toBeUndefined();
  });

  it('counts that from the later of the last request and the last power-off', () => {
    const times = { lastRequestUnixMs: NOW_MS - 200_000, powerOffs: 1, lastPowerOffUnixMs: NOW_MS - 119_999 };
    expect(rowPlan(PAID, ON, asked(times)).lookAgainAtUnixMs).toBe(NOW_MS + 1);
  });

  it('escalates while its time is over, and stops to while that is in doubt (L3)', () => {
    expect(rowPlan(OVER, ON, asked({}))).toMatchObject({
      row: 'still-stopping',
      lookAgainAtUnixMs: NOW_MS + 10_000,
    });
    expect(rowPlan(ENDING, ON, asked({})).row).toBe('still-stopping/not-over-yet');
  });
});
