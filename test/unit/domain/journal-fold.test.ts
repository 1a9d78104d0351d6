import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JournalEvent, journalEventSchema } from '../../../src/domain/journal/event.ts';
import { foldJournal } from '../../../src/domain/journal/fold.ts';
import { fromJson, toJson } from '../../../src/domain/journal/json.ts';
import {
  EMPTY_JOURNAL,
  type JournalState,
  journalStateSchema,
  type MachineMemory,
} from '../../../src/domain/journal/memory.ts';

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
      'a save is no request',
      [intent('save', 'suspend')],
      { suspending: { requests: 0, powerOffs: 0, saveFailed: false } },
    ],
    ['a save that failed is remembered', [intent('save'), failed('save')], { suspending: { saveFailed: true } }],
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
      [{ kind: 'quarantined', uuid: UUID, untilUnixMs: NOW }, intent('restore'), { kind: 'restored', uuid: UUID }],
      { phase: 'present', quarantine: undefined },
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
      'an acknowledgement takes a machine out of its parking (L8)',
      [failed('restore', false), { kind: 'ack', what: UUID, by: 'op' }],
      { failures: {} },
    ],
  ])('%s', (_title, events, wanted) => {
    expect(remembered(...events)).toMatchObject(wanted);
  });

  it('crashes in a row are counted, a quarter of an hour without one ends the row (L8)', () => {
    const crash = off('crash');
    let state = fold(crash, on, crash);
    expect(state.machines[UUID]?.failures.crash?.count).toBe(2);
    state = foldJournal(foldJournal(state, on, NOW + 1000), crash, NOW + 15 * 60_000 + 10);
    expect(state.machines[UUID]?.failures.crash?.count).toBe(1);
    expect(remembered(off('owner'))?.failures).toEqual({});
  });

  it('harm is remembered for the breaker, a week long, and only where an intent says that it is harm (L10)', () => {
    let state = fold(intent('request-shutdown', 'suspend'), intent('power-off'), intent('destroy', 'destroy'));
    expect(state.harm).toEqual([
      { kind: 'suspend', uuid: UUID, atUnixMs: NOW },
      { kind: 'destroy', uuid: UUID, atUnixMs: NOW + 2 },
    ]);
    state = foldJournal(state, intent('destroy', 'destroy'), NOW + 8 * 24 * 3600 * 1000);
    expect(state.harm).toHaveLength(1);
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
  });

  it('clock, chain and cursor', () => {
    expect(fold({ kind: 'clock-jumped', byMs: 5 }).clockDoubt).toEqual({ atUnixMs: NOW, byMs: 5 });
    expect(
      fold({ kind: 'clock-jumped', byMs: 5 }, { kind: 'ack', what: 'clock', by: 'op' }).clockDoubt,
    ).toBeUndefined();
    expect(fold({ kind: 'ack', what: 'chain', by: 'op' }).chainAckUnixMs).toBe(NOW);
    expect(fold({ kind: 'chain-advanced', follower: 'f', cursor, derived: ['x'] }).cursors).toEqual({ f: cursor });
  });

  it('is never changed in place', () => {
    const before = fold(on);
    const copy = throughFile(before);
    foldJournal(before, off('crash'), NOW + 9);
    foldJournal(before, { kind: 'ack', what: UUID, by: 'op' }, NOW + 9);
    expect(throughFile(before)).toEqual(copy);
  });
});

const uuid = fc.constantFrom(UUID, 'b', 'constructor', '__proto__', 'toString', '');
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('5n', '~5n', '-7n', '~~0n', '5n\n', '__proto__', 'constructor', '\ud800'),
);
const big = fc.oneof(fc.bigInt(), fc.constantFrom(0n, -1n, 2n ** 64n));
const unixMs = fc.oneof(fc.nat(), fc.constantFrom(0, NOW, Number.MAX_SAFE_INTEGER));
const anyNumber = fc
  .oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(1e300, -5))
  .map((n) => (Object.is(n, -0) ? 0 : n));
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const address = fc.constantFrom(OWNER);
const machineDetails = fc.record(
  {
    ipAddress: text,
    ipv6Address: text,
    owner: text,
    username: text,
    createdAtUnix: big,
    nftTokenId: big,
    nftMinted: fc.boolean(),
    disks: fc.array(text),
    seeds: fc.array(text),
  },
  { requiredKeys: ['ipAddress', 'ipv6Address', 'owner', 'username', 'createdAtUnix', 'nftMinted', 'disks', 'seeds'] },
);
const witness = fc.record({
  endpoint: text,
  expiresAtUnix: big,
  cancelled: fc.boolean(),
  blockNumber: big,
  blockHash: text,
  readAtUnixMs: unixMs,
});
const step = fc.oneof(
  fc.constantFrom('start', 'request-shutdown', 'save', 'power-off', 'destroy', 'restore', 'purge', 'crash'),
  text,
);
const harm = fc.constantFrom('suspend' as const, 'destroy' as const);
const cause = fc.constantFrom('expiry' as const, 'owner' as const, 'admin' as const, 'crash' as const, 'host' as const);
const anyBasis = fc.record({
  row: text,
  because: text,
  policyVersion: anyNumber,
  observedAtUnixMs: anyNumber,
  expiresAtUnix: maybe(big),
  blockHash: maybe(text),
});
const block = fc.record({ number: big, hash: text, parentHash: text });
const kind = <K extends string>(name: K) => fc.constant(name);

/** Everything that the schema lets into the journal, sensible or not. */
const anyEvent = fc
  .oneof(
    fc.record({
      kind: kind('machine-known'),
      uuid,
      name: text,
      machineClass: fc.oneof(
        fc.constant({ kind: 'record-only' as const }),
        fc.record({
          kind: kind('bound'),
          subscription: fc.record({
            chainId: fc.integer({ min: 1 }),
            contract: address,
            subscriptionId: fc.bigInt({ min: 1n }),
          }),
        }),
      ),
      details: machineDetails,
      how: text,
    }),
    fc.record({ kind: kind('details-changed'), uuid, details: machineDetails }),
    fc.record({ kind: kind('seen-running'), uuid, bootId: text }),
    fc.record({ kind: kind('seen-off'), uuid, cause, bootId: text }),
    fc.record({ kind: kind('expiry-read'), uuid, expiresAtUnix: big }),
    fc.record({ kind: kind('witnessed'), uuid, read: witness }),
    fc.record({ kind: kind('intent'), uuid, step, harm: maybe(harm), basis: anyBasis }),
    fc.record({
      kind: kind('outcome'),
      uuid,
      step,
      ok: fc.boolean(),
      durationMs: anyNumber,
      error: maybe(text),
      curable: maybe(fc.boolean()),
    }),
    fc.record({ kind: kind('suspended'), uuid, atUnixMs: anyNumber }),
    fc.record({ kind: kind('suspension-over'), uuid, why: text }),
    fc.record({ kind: kind('quarantined'), uuid, untilUnixMs: anyNumber }),
    fc.record({ kind: fc.constantFrom('restored' as const, 'purged' as const), uuid }),
    fc.record({ kind: kind('login-set'), uuid, owner: address }),
    fc.record({ kind: kind('link'), uuid, up: fc.boolean() }),
    fc.record({ kind: kind('hold'), uuid, reason: text, by: text, untilUnixMs: anyNumber }),
    fc.record({ kind: fc.constantFrom('release' as const, 'unprotect' as const), uuid, by: text }),
    fc.record({ kind: kind('protect'), uuid, reason: text, by: text, untilUnixMs: maybe(anyNumber) }),
    fc.record({
      kind: kind('ack'),
      what: fc.oneof(uuid, text, fc.constantFrom('chain', 'clock', 'breaker:suspend', 'breaker:destroy')),
      by: text,
    }),
    fc.record({ kind: kind('breaker-tripped'), harm, reason: text }),
    fc.record({ kind: kind('clock-jumped'), byMs: anyNumber }),
    fc.record({
      kind: kind('chain-advanced'),
      follower: text,
      cursor: fc.record({
        chainId: fc.integer(),
        ring: fc.array(block),
        finalized: block,
        nextIds: fc.dictionary(text, text),
      }),
      derived: fc.array(text),
    }),
  )
  .map((event) => journalEventSchema.safeParse(event))
  .filter((parsed) => parsed.success)
  .map(({ data }) => data as JournalEvent);

const throughFile = (value: unknown): unknown => fromJson(JSON.parse(JSON.stringify(toJson(value))));

describe('any sequence of events', () => {
  it('has a state, which can be written and read again: what a compaction leaves is never refused at the next start', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyEvent, unixMs), { maxLength: 30 }), (events) => {
        let state = EMPTY_JOURNAL;
        for (const [event, atUnixMs] of events) state = foldJournal(state, event, atUnixMs);
        expect(journalStateSchema.parse(throughFile(state))).toEqual(journalStateSchema.parse(state));
      }),
      { numRuns: 1500 },
    );
  });

  it('survives the file, each event of it: texts that look like big integers stay texts', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        expect(journalEventSchema.parse(throughFile(event))).toEqual(event);
      }),
      { numRuns: 3000 },
    );
  });

  it('about machines that were never known changes nothing but the memory of words for all', () => {
    fc.assert(
      fc.property(fc.array(anyEvent.filter((event) => event.kind !== 'machine-known')), (events) => {
        const state = events.reduce((before, event) => foldJournal(before, event, NOW), EMPTY_JOURNAL);
        expect(state.machines).toEqual({});
        expect(state.harm).toEqual([]);
      }),
    );
  });
});

describe('JSON with big integers', () => {
  it('is the same value again, whatever it was', () => {
    const anything = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        text,
        big,
        anyNumber,
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value')),
        fc.dictionary(text, tie('value')),
      ),
    })).value;
    fc.assert(
      fc.property(anything, (value) => {
        expect(throughFile(value)).toEqual(value);
      }),
      { numRuns: 2000 },
    );
  });

  it('never makes a number out of a text from outside', () => {
    for (const each of ['5n', '-5n', '~5n', '~~5n', '0n', '007n']) expect(throughFile({ each })).toEqual({ each });
  });
});
