import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adopt } from '../../../src/domain/adoption.ts';
import { backoffEndsUnixMs } from '../../../src/domain/backoff.ts';
import { allowance, breakerFacts } from '../../../src/domain/breaker.ts';
import type { DomainState } from '../../../src/domain/domain-state.ts';
import { nextMove } from '../../../src/domain/escalation.ts';
import { known, unknown } from '../../../src/domain/fact.ts';
import {
  EMPTY_JOURNAL,
  type HarmKind,
  type JournalState,
  type MachineMemory,
  type Suspending,
} from '../../../src/domain/journal/memory.ts';
import { loginStep, newOwner, provenToken, startStep } from '../../../src/domain/login.ts';
import type { Observation } from '../../../src/domain/observation.ts';
import { permitHarm } from '../../../src/domain/permit.ts';
import { DEFAULT_POLICY } from '../../../src/domain/policy.ts';
import type { VmRecord } from '../../../src/domain/record.ts';
import { stopCauseOf } from '../../../src/domain/stop-cause.ts';
import { upkeep } from '../../../src/domain/upkeep.ts';

const NOW = 1_800_000_000_000;
const UNIX = BigInt(NOW / 1000);
const UUID = '00000000-0000-4000-8000-000000000007';
const OWNER = `0x${'a1'.repeat(20)}` as const;
const BUYER = `0x${'b2'.repeat(20)}` as const;
const MINUTE = 60_000;
const policy = DEFAULT_POLICY;
const ref = { chainId: 1, contract: OWNER, subscriptionId: 7n };

const domain: DomainState = {
  uuid: UUID,
  name: 'blockhost-007',
  run: 'running',
  reason: 'booted',
  persistent: true,
  hasSavedImage: false,
  agentConnected: true,
  sinceUnixMs: NOW - 60 * MINUTE,
  metadata: { schema: 1, uuid: UUID, subscription: ref },
  disks: ['/vms/a'],
  seeds: [],
  interfaces: [],
};
const off: DomainState = { ...domain, run: 'off', reason: 'unknown' };
const memory: MachineMemory = {
  uuid: UUID,
  name: 'blockhost-007',
  machineClass: { kind: 'bound', subscription: ref },
  details: {
    ipAddress: '192.0.2.7',
    ipv6Address: '',
    owner: OWNER,
    username: 'customer',
    createdAtUnix: 1n,
    nftTokenId: 7n,
    nftMinted: true,
    disks: [],
    seeds: [],
  },
  phase: 'present',
  run: { on: true, atUnixMs: NOW, bootId: 'a' },
  witnesses: [],
  failures: {},
};
const record: VmRecord = {
  name: 'blockhost-007',
  status: 'active',
  ipAddress: '192.0.2.7',
  ipv6Address: '',
  owner: OWNER,
  username: 'customer',
  expiresAtUnix: UNIX + 100n,
  nftTokenId: 7n,
  nftMinted: true,
};

/** One subscription at every level; `lag` is how far the block times are behind the wall clock, in seconds. */
const view = (
  expiresIn: Partial<Record<'head' | 'safe' | 'finalized', number>> & { readonly all?: number } = {},
  lag = 5,
) => {
  const at = (level: 'head' | 'safe' | 'finalized') => {
    const expiresAtUnix = UNIX + BigInt(expiresIn[level] ?? expiresIn.all ?? -3600);
    return known({
      id: 7n,
      owner: OWNER,
      expiresAtUnix,
      cancelled: false,
      atBlock: { number: 100n, hash: '0x64', timestampUnix: UNIX - BigInt(lag) },
    });
  };
  const finalized = at('finalized');
  const said = {
    expiresAtUnix: finalized.known ? finalized.value.expiresAtUnix : 0n,
    cancelled: false,
    blockNumber: 100n,
    blockHash: '0x64',
    readAtUnixMs: NOW,
  };
  return {
    head: at('head'),
    safe: at('safe'),
    finalized,
    witnesses: [
      { endpoint: 'rpc#1', ...said },
      { endpoint: 'rpc#2', ...said },
    ],
    endpointsConfigured: 2,
    readAtUnixMs: NOW,
  };
};
const observation = (change: Partial<Observation> = {}): Observation => ({
  nowUnixMs: NOW,
  uuid: UUID,
  name: 'blockhost-007',
  bootId: 'a',
  memory: { ...memory, suspendedAtUnixMs: NOW - 30 * 24 * 60 * MINUTE },
  domain: known(off),
  record: known(record),
  addressesListed: known(true),
  createRuns: known(false),
  nameTaken: false,
  subscriptionTaken: false,
  absentSinceUnixMs: undefined,
  chain: { kind: 'view', view: view({ all: -30 * 24 * 3600 }) },
  candidate: undefined,
  login: undefined,
  gateWaitsFor: [],
  clockDoubt: undefined,
  breaker: {},
  breakerWouldTrip: {},
  ...change,
});
const chain = (...of: Parameters<typeof view>): Partial<Observation> => ({
  chain: { kind: 'view', view: view(...of) },
});
const withView = (change: Partial<ReturnType<typeof view>>): Partial<Observation> => ({
  chain: { kind: 'view', view: { ...view({ all: -30 * 24 * 3600 }), ...change } },
});
const withMemory = (change: Partial<MachineMemory>): Partial<Observation> => ({
  memory: { ...memory, suspendedAtUnixMs: NOW - 30 * 24 * 60 * MINUTE, ...change },
});
const why = unknown('no endpoint answers', NOW - MINUTE);
const word = { reason: 'r', by: 'op', sinceUnixMs: NOW };

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

describe('a suspension escalates', () => {
  const begun = (change: Partial<Suspending>): Suspending => ({
    sinceUnixMs: NOW,
    requests: 0,
    lastRequestUnixMs: 0,
    powerOffs: 0,
    lastPowerOffUnixMs: 0,
    saveFailed: false,
    ...change,
  });
  const asked = (requests: number, since = NOW): Suspending =>
    begun({ requests, sinceUnixMs: since, lastRequestUnixMs: NOW });
  it.each<[string, Partial<DomainState>, Suspending | undefined, number, object]>([
    ['with the power button', {}, undefined, NOW, { step: { do: 'request-shutdown', mode: 'acpi' } }],
    [
      'a paused guest cannot hear: its power is taken gracefully',
      { run: 'paused' },
      undefined,
      NOW,
      { step: { do: 'power-off', how: 'graceful' } },
    ],
    ['then waits', {}, asked(1), NOW + policy.shutdownRepeatMs - 1, { waitUntilUnixMs: NOW + policy.shutdownRepeatMs }],
    [
      'then asks the agent',
      {},
      asked(1),
      NOW + policy.shutdownRepeatMs,
      { step: { do: 'request-shutdown', mode: 'agent' } },
    ],
    [
      'or the button again where no agent is',
      { agentConnected: false },
      asked(1),
      NOW + policy.shutdownRepeatMs,
      { step: { do: 'request-shutdown', mode: 'acpi' } },
    ],
    [
      'then the button again',
      {},
      asked(2),
      NOW + policy.shutdownRepeatMs,
      { step: { do: 'request-shutdown', mode: 'acpi' } },
    ],
    [
      'until its patience ends',
      {},
      asked(9, NOW - policy.shutdownPatienceMs),
      NOW,
      { step: { do: 'power-off', how: 'graceful' } },
    ],
    [
      'waits for qemu to end',
      {},
      begun({ requests: 9, powerOffs: 1, lastPowerOffUnixMs: NOW }),
      NOW + policy.powerOffPatienceMs - 1,
      { waitUntilUnixMs: NOW + policy.powerOffPatienceMs },
    ],
    [
      'and takes the power by force',
      {},
      begun({ requests: 9, powerOffs: 1, lastPowerOffUnixMs: NOW }),
      NOW + policy.powerOffPatienceMs,
      { step: { do: 'power-off', how: 'forced' } },
    ],
  ])('%s', (_title, change, suspending, now, wanted) => {
    expect(nextMove({ ...domain, ...change }, suspending, policy, now)).toMatchObject(wanted);
  });

  it('saves first where the policy says so, and falls back to a shutdown when that failed (D24)', () => {
    const saving = { ...policy, suspendMode: 'save' as const };
    expect(nextMove(domain, undefined, saving, NOW)).toMatchObject({ step: { do: 'save' } });
    expect(nextMove(domain, begun({ saveFailed: true }), saving, NOW)).toMatchObject({
      step: { do: 'request-shutdown' },
    });
    expect(nextMove({ ...domain, run: 'paused' }, begun({ saveFailed: true }), saving, NOW)).toMatchObject({
      step: { do: 'power-off' },
    });
  });

  it('always moves on or says until when it waits, and that is never past', () => {
    const times = fc.integer({ min: NOW - 10 * MINUTE, max: NOW });
    fc.assert(
      fc.property(
        fc.record({
          sinceUnixMs: times,
          requests: fc.nat(20),
          lastRequestUnixMs: times,
          powerOffs: fc.nat(3),
          lastPowerOffUnixMs: times,
          saveFailed: fc.boolean(),
        }),
        (suspending) => {
          const move = nextMove(domain, suspending, policy, NOW);
          expect('step' in move || move.waitUntilUnixMs > NOW).toBe(true);
        },
      ),
    );
  });
});

describe('why a machine is off (D16)', () => {
  it.each<[string, Partial<MachineMemory>, Partial<DomainState>, string]>([
    [
      'what was noted stays',
      { run: { on: false, cause: 'owner', atUnixMs: NOW, bootId: 'a' } },
      { reason: 'crashed' },
      'owner',
    ],
    [
      'in the middle of a suspension it was us',
      {
        suspending: {
          sinceUnixMs: 1,
          requests: 1,
          lastRequestUnixMs: 1,
          powerOffs: 0,
          lastPowerOffUnixMs: 0,
          saveFailed: false,
        },
      },
      { reason: 'shutdown' },
      'expiry',
    ],
    ['libvirt calls it crashed', {}, { run: 'crashed', reason: 'other' }, 'crash'],
    ['qemu failed', {}, { reason: 'failed' }, 'crash'],
    ['qemu crashed', {}, { reason: 'crashed' }, 'crash'],
    ['shut down from inside', {}, { reason: 'shutdown' }, 'owner'],
    ['destroyed by hand', {}, { reason: 'destroyed' }, 'admin'],
    ['saved by hand', {}, { reason: 'saved' }, 'admin'],
    ['libvirt forgot, and it was on: the host (L6)', {}, { reason: 'unknown' }, 'host'],
    ['libvirt’s daemon went, and it was on', {}, { reason: 'daemon' }, 'host'],
    ['never seen on: its operator’s', { run: undefined }, { reason: 'unknown' }, 'admin'],
  ])('%s', (_title, change, state, cause) => {
    expect(stopCauseOf({ ...memory, ...change }, { ...off, ...state })).toBe(cause);
  });
});

describe('backoff (L8)', () => {
  it('is within half and whole of the doubled pause, never longer than its cap, and the same for the same question', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 1, max: 2000 }), (uuid, count) => {
        const failure = { count, lastUnixMs: NOW };
        const pauseMs = backoffEndsUnixMs(uuid, failure, policy) - NOW;
        const fullMs = Math.min(policy.backoffMaxMs, policy.backoffFirstMs * 2 ** Math.min(count, 30));
        expect(pauseMs).toBeGreaterThanOrEqual(fullMs / 2);
        expect(pauseMs).toBeLessThanOrEqual(Math.min(fullMs, 5 * MINUTE));
        expect(backoffEndsUnixMs(uuid, failure, policy) - NOW).toBe(pauseMs);
      }),
    );
  });

  it('spreads machines that failed together', () => {
    const ends = Array.from({ length: 200 }, (_, index) =>
      backoffEndsUnixMs(`machine-${index}`, { count: 20, lastUnixMs: NOW }, policy),
    );
    expect(new Set(ends).size).toBeGreaterThan(100);
  });
});

describe('the breaker’s facts (L10, D28)', () => {
  const journal = (machines: number, harm: JournalState['harm'], gone = 0): JournalState => ({
    ...EMPTY_JOURNAL,
    machines: Object.fromEntries(
      Array.from({ length: machines + gone }, (_, index) => [
        `m${index}`,
        { ...memory, uuid: `m${index}`, phase: index < gone ? 'gone' : 'present' } as MachineMemory,
      ]),
    ),
    harm,
  });
  const harmed = (kind: HarmKind, count: number, agoMs = 1000) =>
    Array.from({ length: count }, (_, index) => ({ kind, uuid: `m${index}`, atUnixMs: NOW - agoMs }));
  const trips = (state: JournalState, kind: HarmKind): boolean =>
    breakerFacts(state, policy, NOW).breakerWouldTrip[kind] !== undefined;

  it.each([
    ['destroy', 1, 5],
    ['destroy', 25, 5],
    ['destroy', 26, 6],
    ['destroy', 100, 20],
    ['suspend', 1, 20],
    ['suspend', 40, 20],
    ['suspend', 41, 21],
    ['suspend', 100, 50],
  ] as const)('a %s: of %i machines %i fit into the window, and one more trips it', (kind, fleet, allowed) => {
    expect(allowance(policy.breaker[kind], fleet)).toBe(allowed);
    expect(trips(journal(fleet, harmed(kind, allowed - 1)), kind)).toBe(false);
    expect(trips(journal(fleet, harmed(kind, allowed)), kind)).toBe(true);
  });

  it('counts each kind by itself, each machine once, and only within the window', () => {
    expect(trips(journal(10, harmed('suspend', 20)), 'destroy')).toBe(false);
    expect(
      trips(journal(10, [...harmed('destroy', 4), ...harmed('destroy', 4), ...harmed('destroy', 4)]), 'destroy'),
    ).toBe(false);
    expect(trips(journal(10, harmed('destroy', 9, policy.breaker.destroy.windowMs)), 'destroy')).toBe(false);
    expect(trips(journal(10, harmed('destroy', 9, policy.breaker.destroy.windowMs - 1)), 'destroy')).toBe(true);
  });

  it('takes machines that are gone for no part of the fleet', () => {
    expect(trips(journal(10, harmed('destroy', 5), 1000), 'destroy')).toBe(true);
  });

  it('is open until it is acknowledged, however much time passes', () => {
    const state = { ...journal(10, []), breaker: { destroy: { atUnixMs: 1, reason: 'many' } } };
    expect(breakerFacts(state, policy, NOW).breaker).toEqual({ destroy: expect.stringContaining('many') });
  });
});

describe('whose machine it is (D8–D10)', () => {
  const stranger = (change: Partial<Observation>): Observation => observation({ memory: undefined, ...change });
  const bare: DomainState = { ...domain, metadata: undefined } as unknown as DomainState;
  const candidate = { ref, view: view({ all: 3600 }) };
  it.each<[string, Partial<Observation>, string, unknown]>([
    ['our metadata with a subscription: bound to it', {}, 'known-by-metadata', { kind: 'bound', subscription: ref }],
    [
      'our metadata without: record-only',
      { domain: known({ ...domain, metadata: { schema: 1, uuid: UUID } }) },
      'known-by-metadata',
      { kind: 'record-only' },
    ],
    [
      'a copy of another’s metadata: foreign',
      { domain: known({ ...domain, metadata: { schema: 1, uuid: 'another' } }) },
      'foreign',
      undefined,
    ],
    ['a second machine for one subscription: foreign', { subscriptionTaken: true }, 'foreign', undefined],
    ['neither metadata nor record: foreign', { domain: known(bare), record: known(undefined) }, 'foreign', undefined],
    [
      'a destroyed record is no live one: foreign',
      { domain: known(bare), record: known({ ...record, status: 'destroyed' }) },
      'foreign',
      undefined,
    ],
    [
      'a record that belongs to another living machine: foreign',
      { domain: known(bare), nameTaken: true },
      'foreign',
      undefined,
    ],
    [
      'a record that cannot be read decides nothing (L3)',
      { domain: known(bare), record: why },
      'adoption-waits',
      undefined,
    ],
    [
      'a live record whose name binds to nothing: record-only',
      { domain: known(bare) },
      'adopted-record-only',
      { kind: 'record-only' },
    ],
    [
      'a live record whose name binds: bound',
      { domain: known(bare), candidate },
      'adopted-bound',
      { kind: 'bound', subscription: ref },
    ],
    [
      'whether it binds is unknown: waits (L3, D9)',
      { domain: known(bare), candidate: { ref, view: { ...candidate.view, head: why } } },
      'adoption-waits',
      undefined,
    ],
    [
      'its name binds to another’s subscription: foreign',
      { domain: known(bare), candidate, subscriptionTaken: true },
      'foreign',
      undefined,
    ],
    ['no domain, nothing remembered', { domain: known('absent') }, 'nothing-there', undefined],
  ])('%s', (_title, change, row, machineClass) => {
    const outcome = adopt(stranger(change));
    expect(outcome.row).toBe(row);
    const [chore] = outcome.chores ?? [];
    expect(chore?.chore === 'adopt' ? chore.machineClass : undefined).toEqual(machineClass);
    expect(outcome.step).toBeUndefined();
  });
});

describe('the login right (D25)', () => {
  const on = (change: Partial<Observation> = {}) => observation({ memory, domain: known(domain), ...change });
  const said = (
    head: typeof OWNER | typeof BUYER | undefined,
    safe: typeof OWNER | typeof BUYER | undefined,
    tokenId = 7n,
  ) => ({ login: { tokenId, head: head ? known(head) : why, safe: safe ? known(safe) : why, readAtUnixMs: NOW } });
  it.each<[string, Partial<Observation>, string | undefined]>([
    ['changes at safe, agreed by head', said(BUYER, BUYER), BUYER],
    ['does not change while only the head says so', said(BUYER, OWNER), undefined],
    ['does not change while the head says otherwise again', said(OWNER, BUYER), undefined],
    ['does not change while the head is unknown (L3)', said(undefined, BUYER), undefined],
    ['does not change while safe is unknown (L3)', said(BUYER, undefined), undefined],
    ['does not change for another’s token', said(BUYER, BUYER, 8n), undefined],
    ['does not change for who is the owner already', said(OWNER, OWNER), undefined],
    [
      'does not change for a token that is only reserved',
      {
        ...said(BUYER, BUYER),
        record: known({ ...record, nftMinted: false }),
        memory: { ...memory, details: { ...memory.details, nftMinted: false } },
      },
      undefined,
    ],
  ])('%s', (_title, change, owner) => {
    expect(newOwner(on(change))?.owner).toBe(owner);
  });

  it('never follows token 0, which is the administrator’s', () => {
    expect(provenToken({ record: known({ ...record, nftTokenId: 0n }), memory: undefined })).toBeUndefined();
    expect(provenToken({ record: why, memory })).toBe(7n);
  });

  it('waits for the agent, and starts a machine whose owner changed afresh and without network', () => {
    expect(loginStep(on(said(BUYER, BUYER)))).toMatchObject({
      do: 'set-login',
      owner: BUYER,
      tokenId: 7n,
      username: 'customer',
    });
    expect(
      loginStep(on({ ...said(BUYER, BUYER), domain: known({ ...domain, agentConnected: false }) })),
    ).toBeUndefined();
    expect(startStep(on(said(BUYER, BUYER)))).toEqual({ do: 'start', dropSaved: true, linkDown: true });
    expect(startStep(on(said(OWNER, OWNER)))).toEqual({ do: 'start', dropSaved: false, linkDown: false });
  });

  it('lifts the link only when the owner is known and named', () => {
    const down = { memory: { ...memory, linkDownSinceUnixMs: NOW } };
    expect(loginStep(on({ ...down, ...said(OWNER, OWNER) }))).toEqual({ do: 'link-up' });
    expect(loginStep(on({ ...down, ...said(undefined, undefined) }))).toBeUndefined();
    expect(loginStep(on(down))).toBeUndefined();
  });
});

describe('upkeep (L12)', () => {
  const running = (change: Partial<Observation> = {}) =>
    observation({
      memory: { ...memory, lastExpiresAtUnix: UNIX + 100n },
      domain: known(domain),
      chain: { kind: 'view', view: view({ all: 100 }) },
      ...change,
    });
  it.each<[string, Partial<Observation>, readonly object[]]>([
    ['has nothing to do where all is right', {}, []],
    [
      'puts the chain’s expiry into the record, exactly (D15)',
      { record: known({ ...record, expiresAtUnix: UNIX + 999n }) },
      [{ chore: 'patch-record', patch: { expiresAtUnix: UNIX + 100n } }],
    ],
    [
      'keeps an operator’s grant that is longer (D15)',
      { memory: { ...memory, lastExpiresAtUnix: UNIX + 500n, grantUntilUnix: UNIX + 500n } },
      [{ chore: 'patch-record', patch: { expiresAtUnix: UNIX + 500n } }],
    ],
    [
      'leaves the expiry alone while the chain is unknown (L3)',
      { chain: { kind: 'view', view: { ...view(), head: why } }, record: known({ ...record, expiresAtUnix: 1n }) },
      [],
    ],
    [
      'puts a lost record back',
      { record: known(undefined) },
      [{ chore: 'restore-record', status: 'active', expiresAtUnix: UNIX + 100n }],
    ],
    ['puts nothing back that it could not read (L3)', { record: why }, []],
    ['puts lost addresses back', { addressesListed: known(false) }, [{ chore: 'claim-addresses' }]],
    ['but not on a guess (L3)', { addressesListed: why }, []],
    [
      'writes metadata where there is none (D10)',
      { domain: known({ ...domain, metadata: undefined } as unknown as DomainState) },
      [{ chore: 'write-metadata' }],
    ],
    [
      'takes back a destroyed or suspended mark that is wrong',
      { record: known({ ...record, status: 'destroyed', destroyedAtUnix: 5n, suspendedAtUnix: 5n }) },
      [{ chore: 'patch-record', patch: { status: 'active', suspendedAtUnix: null, destroyedAtUnix: null } }],
    ],
    [
      'leaves a record to the living machine of the same name',
      { nameTaken: true, record: known({ ...record, expiresAtUnix: 1n }) },
      [],
    ],
    ['notes that it runs, with the boot (L6)', { bootId: 'b' }, [{ chore: 'note-running' }]],
    ['notes a stop only when it has settled (L7)', { domain: known({ ...off, sinceUnixMs: NOW - 10 }) }, []],
    [
      'notes a settled stop with its cause',
      { domain: known({ ...off, reason: 'shutdown' }) },
      [{ chore: 'note-off', cause: 'owner' }],
    ],
    [
      'keeps what is new in the record',
      { record: known({ ...record, username: 'other' }) },
      [{ chore: 'note-details', details: { username: 'other' } }],
    ],
    ['does nothing to a machine that is not ours (D8)', { memory: undefined }, []],
  ])('%s', (_title, change, chores) => {
    const done = upkeep(running(change), policy);
    expect(done).toMatchObject(chores);
    expect(done).toHaveLength(chores.length);
  });
});
