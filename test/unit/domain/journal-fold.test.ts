import { describe, expect, it } from 'vitest';
import type { JournalEvent } from '../../../src/domain/journal/event.ts';
import { foldJournal } from '../../../src/domain/journal/fold.ts';
import { toJson } from '../../../src/domain/journal/json.ts';
import { EMPTY_JOURNAL, type JournalState, type MachineMemory } from '../../../src/domain/journal/memory.ts';

const UUID = '00000000-0000-4000-8000-000000000007';
const NOW = 1_800_000_000_000;
const OWNER = `0x${'a1'.repeat(20)}` as const;

const details = {
  ipAddress: '192.0.2.7',
  ipv6Address: '',
  owner: OWNER as string,
  username: 'customer',
  createdAtUnix: 5n,
  nftTokenId: 7n,
  nftMinted: true,
  disks: ['/vms/a.qcow2'],
  seeds: [],
};
const read = {
  endpoint: 'rpc#1',
  expiresAtUnix: 9n,
  cancelled: false,
  blockNumber: 3n,
  blockHash: '0x3',
  readAtUnixMs: NOW,
};
const basis = { row: 'a row', because: 'a reason', policyVersion: 1, observedAtUnixMs: NOW };
const cursor = {
  chainId: 1,
  ring: [],
  finalized: { number: 1n, hash: '0x1', parentHash: '0x0' },
  nextIds: { '0xcc': '8' },
};
const known: JournalEvent = {
  kind: 'machine-known',
  uuid: UUID,
  name: 'vm',
  machineClass: { kind: 'record-only' },
  details,
  how: 'test',
};

const fold = (...events: readonly JournalEvent[]): JournalState =>
  events.reduce(
    (state, event, index) => foldJournal(state, event, NOW + index),
    foldJournal(EMPTY_JOURNAL, known, NOW - 1),
  );
const remembered = (...events: readonly JournalEvent[]): MachineMemory | undefined => fold(...events).machines[UUID];

const intent = (step: string, harm?: 'suspend' | 'destroy'): JournalEvent => ({
  kind: 'intent',
  uuid: UUID,
  step,
  basis,
  ...(harm ? { harm } : {}),
});
const failed = (step: string, curable = true): JournalEvent => ({
  kind: 'outcome',
  uuid: UUID,
  step,
  ok: false,
  durationMs: 1,
  error: 'no',
  curable,
});
const done = (step: string): JournalEvent => ({ kind: 'outcome', uuid: UUID, step, ok: true, durationMs: 1 });
const off = (cause: 'expiry' | 'owner' | 'admin' | 'crash' | 'host'): JournalEvent => ({
  kind: 'seen-off',
  uuid: UUID,
  cause,
  bootId: 'b',
});
const on: JournalEvent = { kind: 'seen-running', uuid: UUID, bootId: 'b' };

describe('what the journal means', () => {
  it.each<[string, readonly JournalEvent[], object]>([
    ['a new machine is present and has nothing against it', [], { phase: 'present', witnesses: [], failures: {} }],
    [
      'a machine known again keeps its class and its phase',
      [
        intent('destroy'),
        {
          ...known,
          name: 'new',
          machineClass: { kind: 'bound', subscription: { chainId: 1, contract: OWNER, subscriptionId: 1n } },
        } as JournalEvent,
      ],
      { name: 'new', phase: 'destroying', machineClass: { kind: 'record-only' } },
    ],
    [
      'details are replaced',
      [{ kind: 'details-changed', uuid: UUID, details: { ...details, ipAddress: '192.0.2.9' } }],
      { details: { ipAddress: '192.0.2.9' } },
    ],
    ['seen running', [on], { run: { on: true, bootId: 'b', atUnixMs: NOW } }],
    [
      'seen off, with its cause',
      [on, off('owner')],
      { run: { on: false, cause: 'owner', bootId: 'b', atUnixMs: NOW + 1 } },
    ],
    [
      'an expiry is the last one read',
      [{ kind: 'expiry-read', uuid: UUID, expiresAtUnix: 4n }],
      { lastExpiresAtUnix: 4n },
    ],
    [
      'a second witness stands beside the first (D22)',
      [
        { kind: 'witnessed', uuid: UUID, read },
        { kind: 'witnessed', uuid: UUID, read: { ...read, endpoint: 'rpc#2' } },
      ],
      { witnesses: [read, { endpoint: 'rpc#2' }] },
    ],
    [
      'a witness that says something else voids the ones before',
      [
        { kind: 'witnessed', uuid: UUID, read },
        { kind: 'witnessed', uuid: UUID, read: { ...read, expiresAtUnix: 10n } },
      ],
      { witnesses: [{ expiresAtUnix: 10n }] },
    ],
    [
      'requests are counted, from the first',
      [intent('request-shutdown', 'suspend'), intent('request-shutdown')],
      { suspending: { sinceUnixMs: NOW, requests: 2, lastRequestUnixMs: NOW + 1, powerOffs: 0 } },
    ],
    [
      'so are power-offs',
      [intent('power-off'), intent('power-off')],
      { suspending: { powerOffs: 2, lastPowerOffUnixMs: NOW + 1, requests: 0 } },
    ],
    [
      'a request counts from when it was made at the latest, for libvirt may be slow to pass it on (L8)',
      [intent('request-shutdown', 'suspend'), done('request-shutdown')],
      { suspending: { sinceUnixMs: NOW, requests: 1, lastRequestUnixMs: NOW + 1 } },
    ],
    [
      'so does one that failed: the guest may have heard it',
      [intent('request-shutdown', 'suspend'), failed('request-shutdown')],
      { suspending: { sinceUnixMs: NOW, requests: 1, lastRequestUnixMs: NOW + 1 } },
    ],
    [
      'and a power-off',
      [intent('power-off'), failed('power-off')],
      { suspending: { powerOffs: 1, lastPowerOffUnixMs: NOW + 1, lastRequestUnixMs: 0 } },
    ],
    [
      'an outcome of which no suspension is known begins none',
      [done('request-shutdown'), failed('power-off')],
      { suspending: undefined },
    ],
    [
      'a save is no request',
      [intent('save', 'suspend')],
      { suspending: { requests: 0, powerOffs: 0, saveFailed: false } },
    ],
    ['a save that failed is remembered', [intent('save'), failed('save')], { suspending: { saveFailed: true } }],
    [
      'a save that failed where no suspension is known begins none',
      [failed('save')],
      { suspending: undefined, failures: { save: { count: 1 } } },
    ],
    [
      'another step that failed says nothing of saving',
      [intent('save', 'suspend'), failed('power-off')],
      { suspending: { saveFailed: false } },
    ],
    [
      'a start that went well ends a suspension under way',
      [intent('request-shutdown', 'suspend'), failed('start'), done('start')],
      { suspending: undefined, failures: {} },
    ],
    [
      'no other step that went well does, nor a start that failed',
      [intent('request-shutdown', 'suspend'), done('request-shutdown'), failed('start')],
      { suspending: { requests: 1 }, failures: { start: { count: 1 } } },
    ],
    ['a destroy has begun with its intent (L4)', [intent('destroy', 'destroy')], { phase: 'destroying' }],
    ['a restore, too', [intent('destroy'), intent('restore')], { phase: 'restoring' }],
    ['other intents change nothing', [intent('start'), intent('purge')], { phase: 'present', failures: {} }],
    [
      'failures in a row are counted by step',
      [failed('start'), failed('start'), failed('restore', false)],
      {
        failures: {
          start: { count: 2, lastUnixMs: NOW + 1, curable: true, message: 'no' },
          restore: { count: 1, curable: false },
        },
      },
    ],
    [
      'a success ends the row',
      [failed('start'), done('start'), failed('start')],
      { failures: { start: { count: 1 } } },
    ],
    [
      'a success ends the row of its own step only',
      [failed('restore'), failed('purge'), done('restore'), failed('restore')],
      { failures: { restore: { count: 1 }, purge: { count: 1 } } },
    ],
    [
      'a failure of which nothing more is known can be cured by time (L8)',
      [{ kind: 'outcome', uuid: UUID, step: 'start', ok: false, durationMs: 1 }],
      { failures: { start: { count: 1, message: 'failed', curable: true } } },
    ],
    [
      'suspended is off for its expiry, from then on (C10)',
      [on, intent('request-shutdown'), { kind: 'suspended', uuid: UUID, atUnixMs: NOW + 9 }],
      { suspendedAtUnixMs: NOW + 9, suspending: undefined, run: { on: false, cause: 'expiry' } },
    ],
    [
      'an operator’s stop outlives a suspension (D16)',
      [off('admin'), { kind: 'suspended', uuid: UUID, atUnixMs: NOW }],
      { run: { on: false, cause: 'admin' } },
    ],
    [
      'a suspension over leaves nothing of it',
      [
        intent('save'),
        { kind: 'suspended', uuid: UUID, atUnixMs: NOW },
        { kind: 'witnessed', uuid: UUID, read },
        { kind: 'suspension-over', uuid: UUID, why: 'paid' },
      ],
      { suspending: undefined, suspendedAtUnixMs: undefined, witnesses: [] },
    ],
    [
      'quarantined until',
      [
        intent('destroy'),
        { kind: 'witnessed', uuid: UUID, read },
        { kind: 'quarantined', uuid: UUID, untilUnixMs: NOW + 99 },
      ],
      { phase: 'quarantined', quarantine: { sinceUnixMs: NOW + 2, untilUnixMs: NOW + 99 }, witnesses: [] },
    ],
    [
      'restored is present',
      [
        { kind: 'quarantined', uuid: UUID, untilUnixMs: NOW },
        { kind: 'witnessed', uuid: UUID, read },
        intent('restore'),
        { kind: 'restored', uuid: UUID },
      ],
      { phase: 'present', quarantine: undefined, witnesses: [] },
    ],
    [
      'purged is gone',
      [
        { kind: 'quarantined', uuid: UUID, untilUnixMs: NOW },
        { kind: 'purged', uuid: UUID },
      ],
      { phase: 'gone', quarantine: undefined },
    ],
    ['the login right was set', [{ kind: 'login-set', uuid: UUID, owner: OWNER }], { loginOwner: OWNER }],
    [
      'whom the guest names is unknown once somebody began to tell it (L4)',
      [
        { kind: 'login-set', uuid: UUID, owner: OWNER },
        { kind: 'login-begun', uuid: UUID },
      ],
      { loginOwner: OWNER, loginUnsure: true },
    ],
    [
      'and known again once that was seen to end',
      [
        { kind: 'login-begun', uuid: UUID },
        { kind: 'login-set', uuid: UUID, owner: OWNER },
      ],
      { loginOwner: OWNER, loginUnsure: undefined },
    ],
    [
      'a new owner is waited for since he was first seen (D25)',
      [
        { kind: 'new-owner', uuid: UUID },
        { kind: 'new-owner', uuid: UUID },
      ],
      { newOwnerSinceUnixMs: NOW },
    ],
    [
      'and not any more once the login right was set',
      [
        { kind: 'new-owner', uuid: UUID },
        { kind: 'login-set', uuid: UUID, owner: OWNER },
      ],
      { newOwnerSinceUnixMs: undefined },
    ],
    [
      'the link is down since it was first',
      [
        { kind: 'link', uuid: UUID, up: false },
        { kind: 'link', uuid: UUID, up: false },
      ],
      { linkDownSinceUnixMs: NOW },
    ],
    [
      'and up again',
      [
        { kind: 'link', uuid: UUID, up: false },
        { kind: 'link', uuid: UUID, up: true },
      ],
      { linkDownSinceUnixMs: undefined },
    ],
    [
      'held until',
      [{ kind: 'hold', uuid: UUID, reason: 'r', by: 'op', untilUnixMs: NOW + 5 }],
      { hold: { reason: 'r', by: 'op', sinceUnixMs: NOW, untilUnixMs: NOW + 5 } },
    ],
    [
      'released',
      [
        { kind: 'hold', uuid: UUID, reason: 'r', by: 'op', untilUnixMs: NOW + 5 },
        { kind: 'release', uuid: UUID, by: 'op' },
      ],
      { hold: undefined },
    ],
    [
      'protected for ever',
      [{ kind: 'protect', uuid: UUID, reason: 'r', by: 'op' }],
      { protect: { reason: 'r', by: 'op', untilUnixMs: undefined } },
    ],
    [
      'unprotected',
      [
        { kind: 'protect', uuid: UUID, reason: 'r', by: 'op' },
        { kind: 'unprotect', uuid: UUID, by: 'op' },
      ],
      { protect: undefined },
    ],
    [
      'stopped by a command is so until one starts it, and a suspension does not hide it (D16)',
      [on, { kind: 'stopped-by-hand', uuid: UUID, by: 'op' }, { kind: 'suspended', uuid: UUID, atUnixMs: NOW }],
      { adminStop: { by: 'op', sinceUnixMs: NOW + 1 }, run: { on: false, cause: 'admin' } },
    ],
    [
      'started by a command takes back the stop; a suspension under way stays known until a start is done',
      [
        { kind: 'stopped-by-hand', uuid: UUID, by: 'op' },
        intent('save', 'suspend'),
        { kind: 'started-by-hand', uuid: UUID, by: 'op' },
      ],
      { adminStop: undefined, suspending: { saveFailed: false } },
    ],
    [
      'seen running after it was seen off takes a stop back, too',
      [off('admin'), { kind: 'stopped-by-hand', uuid: UUID, by: 'op' }, on],
      { adminStop: undefined, run: { on: true } },
    ],
    [
      'seen running while it goes down does not',
      [on, { kind: 'stopped-by-hand', uuid: UUID, by: 'op' }, on],
      { adminStop: { by: 'op' } },
    ],
    ['a grant counts (D15)', [{ kind: 'granted', uuid: UUID, untilUnix: 9n, by: 'op' }], { grantUntilUnix: 9n }],
    [
      'an ordered destroy is in force (D14)',
      [{ kind: 'destroy-ordered', uuid: UUID, by: 'op', argv: [], chain: 'paid' }],
      { ordered: { by: 'op', sinceUnixMs: NOW } },
    ],
    [
      'limits are the last ones',
      [{ kind: 'limits-set', uuid: UUID, limits: { cpuShares: 5 } }],
      { limits: { cpuShares: 5 } },
    ],
    [
      'limits that could not be set are nobody’s',
      [
        { kind: 'limits-set', uuid: UUID, limits: { cpuShares: 5 } },
        { kind: 'limits-forgotten', uuid: UUID },
      ],
      { limits: undefined },
    ],
    [
      'an acknowledgement takes a machine out of its parking (L8)',
      [failed('restore', false), { kind: 'ack', what: UUID, by: 'op' }],
      { failures: {} },
    ],
  ])('%s', (_title, events, wanted) => {
    expect(remembered(...events)).toMatchObject(wanted);
  });

  it('crashes in a row are counted, a quarter of an hour without one ends the row; time cures them (L8)', () => {
    const crash = off('crash');
    const twice = (apartMs: number) => foldJournal(fold(crash), crash, NOW + apartMs).machines[UUID]?.failures.crash;
    expect(twice(899_999)).toMatchObject({ count: 2, curable: true, message: expect.stringContaining('died') });
    expect(twice(900_000)).toMatchObject({ count: 1 });
    expect(remembered(crash, on, crash)?.failures.crash?.count).toBe(2);
    expect(remembered(off('owner'))?.failures).toEqual({});
  });

  it('harm is remembered for the breaker, a week long, and only where an intent says that it is harm (L10)', () => {
    const state = fold(intent('request-shutdown', 'suspend'), intent('power-off'), intent('destroy', 'destroy'));
    expect(state.harm).toEqual([
      { kind: 'suspend', uuid: UUID, atUnixMs: NOW },
      { kind: 'destroy', uuid: UUID, atUnixMs: NOW + 2 },
    ]);
    const harmAfter = (ms: number) => foldJournal(state, intent('destroy', 'destroy'), NOW + ms).harm;
    expect(harmAfter(604_799_999)).toHaveLength(3);
    expect(harmAfter(604_800_000)).toHaveLength(2);
    expect(harmAfter(604_800_002)).toHaveLength(1);
  });

  it('an acknowledgement of a breaker releases that one and forgets what tripped it (L10, D28)', () => {
    const tripped = fold(
      intent('save', 'suspend'),
      intent('destroy', 'destroy'),
      { kind: 'breaker-tripped', harm: 'suspend', reason: 'many' },
      { kind: 'breaker-tripped', harm: 'destroy', reason: 'many' },
    );
    const state = foldJournal(tripped, { kind: 'ack', what: 'breaker:suspend', by: 'op' }, NOW + 9);
    expect(state.breaker).toEqual({ destroy: { atUnixMs: NOW + 3, reason: 'many' } });
    expect(state.harm.map(({ kind }) => kind)).toEqual(['destroy']);
    const other = foldJournal(tripped, { kind: 'ack', what: 'breaker:destroy', by: 'op' }, NOW + 9);
    expect(Object.keys(other.breaker)).toEqual(['suspend']);
    expect(other.harm.map(({ kind }) => kind)).toEqual(['suspend']);
  });

  it('an acknowledgement of something else, or of what nobody knows, releases nothing', () => {
    const before = fold({ kind: 'breaker-tripped', harm: 'suspend', reason: 'many' }, failed('restore', false));
    for (const what of ['breaker', 'breaker:', 'constructor', 'another machine'])
      expect(foldJournal(before, { kind: 'ack', what, by: 'op' }, NOW + 9)).toEqual(before);
    expect(foldJournal(before, { kind: 'ack', what: 'clock', by: 'op' }, NOW + 9)).toEqual(before);
  });

  it('clock, chain and cursor', () => {
    expect(fold({ kind: 'clock-jumped', byMs: 5 }).clockDoubt).toEqual({ atUnixMs: NOW, byMs: 5 });
    expect(
      fold({ kind: 'clock-jumped', byMs: 5 }, { kind: 'ack', what: 'clock', by: 'op' }).clockDoubt,
    ).toBeUndefined();
    expect(fold({ kind: 'ack', what: 'chain', by: 'op' }).chainAckUnixMs).toBe(NOW);
    expect(fold({ kind: 'chain-advanced', follower: 'f', cursor, derived: ['x'] }).cursors).toEqual({ f: cursor });
  });

  it('a create has begun, is committed and on as far as anybody was told (L6), or leaves no trace', () => {
    const { how: _, ...rest } = known as Extract<JournalEvent, { kind: 'machine-known' }>;
    const begun = foldJournal(EMPTY_JOURNAL, { ...rest, kind: 'create-begun', by: 'op' }, NOW);
    expect(begun.machines[UUID]).toMatchObject({ name: 'vm', phase: 'creating', witnesses: [], failures: {} });
    expect(foldJournal(begun, { ...rest, kind: 'create-begun', by: 'again' }, NOW)).toEqual(begun);
    const created = foldJournal(begun, { kind: 'created', uuid: UUID, bootId: 'b' }, NOW + 1);
    expect(created.machines[UUID]).toMatchObject({
      phase: 'present',
      run: { on: true, atUnixMs: NOW + 1, bootId: 'b' },
    });
    const other = foldJournal(begun, { ...known, uuid: 'other' } as JournalEvent, NOW);
    const undone = foldJournal(other, { kind: 'create-undone', uuid: UUID, why: 'broken off' }, NOW + 1);
    expect(Object.keys(undone.machines)).toEqual(['other']);
  });

  it('is never changed in place', () => {
    const before = fold(on);
    const copy = JSON.stringify(toJson(before));
    foldJournal(before, off('crash'), NOW + 9);
    foldJournal(before, { kind: 'ack', what: UUID, by: 'op' }, NOW + 9);
    expect(JSON.stringify(toJson(before))).toBe(copy);
  });
});
