import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JournalEvent, journalEventSchema } from '../../../src/domain/journal/event.ts';
import { foldJournal } from '../../../src/domain/journal/fold.ts';
import { fromJson, toJson } from '../../../src/domain/journal/json.ts';
import { EMPTY_JOURNAL, journalStateSchema } from '../../../src/domain/journal/memory.ts';

const RUNS = Number(process.env.JOURNAL_RUNS ?? 1500);
const UUID = '00000000-0000-4000-8000-000000000007';
const NOW = 1_800_000_000_000;
const OWNER = `0x${'a1'.repeat(20)}` as const;

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
    fc.record({ kind: fc.constantFrom('login-begun' as const, 'limits-forgotten' as const), uuid }),
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
      { numRuns: RUNS },
    );
  });

  it('survives the file, each event of it: texts that look like big integers stay texts', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        expect(journalEventSchema.parse(throughFile(event))).toEqual(event);
      }),
      { numRuns: 2 * RUNS },
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
      { numRuns: RUNS },
    );
  });

  it('never makes a number out of a text from outside', () => {
    for (const each of ['5n', '-5n', '~5n', '~~5n', '0n', '007n']) expect(throughFile({ each })).toEqual({ each });
  });
});
