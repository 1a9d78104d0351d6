import fc from 'fast-check';
import type { DomainState, RunReason, RunState } from '../../src/domain/domain-state.ts';
import type { Entitlement, EntitlementView, LoginView, WitnessRead } from '../../src/domain/entitlement.ts';
import { type Fact, known, unknown } from '../../src/domain/fact.ts';
import type { Address } from '../../src/domain/identity.ts';
import type { Limits, MachineMemory, OwnMachineClass, Suspending } from '../../src/domain/journal/memory.ts';
import type { SeenLimits } from '../../src/domain/limits.ts';
import type { ChainFacts, Observation } from '../../src/domain/observation.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/domain/policy.ts';
import type { VmRecord } from '../../src/domain/record.ts';

/** Now, in all generated observations: expiries and blocks are spread around it. */
export const NOW_UNIX_MS = 1_800_000_000_000;
const NOW_UNIX = BigInt(NOW_UNIX_MS / 1000);
const HOUR = 3600;
const DAY = 24 * HOUR;

export const OWNER: Address = `0x${'a1'.repeat(20)}`;
export const STRANGER: Address = `0x${'b2'.repeat(20)}`;
export const UUID = '11111111-2222-4333-8444-555555555555';
const CONTRACT: Address = `0x${'cc'.repeat(20)}`;

const fact = <T>(value: fc.Arbitrary<T>, weightKnown = 4): fc.Arbitrary<Fact<T>> =>
  fc.oneof(
    { weight: weightKnown, arbitrary: value.map(known) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('no answer', 'garbage', 'stale head').map((why) => unknown(why, NOW_UNIX_MS - 5000)),
    },
  );

/** Seconds from now: near the edges most often, sometimes far away in both directions. */
const offsetSeconds = fc.oneof(
  fc.integer({ min: -120, max: 120 }),
  fc.integer({ min: -10 * DAY, max: 10 * DAY }),
  fc.constantFrom(-400 * DAY, 400 * DAY, -7 * DAY - 60, -8 * DAY - 60),
);

const lagSeconds = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 20 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 2000 }) },
);

const headLagSeconds = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 0, max: 15 }) },
  { weight: 1, arbitrary: fc.integer({ min: 121, max: 1000 }) },
);

const entitlement = (lag: fc.Arbitrary<number>, offset: fc.Arbitrary<number>): fc.Arbitrary<Entitlement> =>
  fc.record({
    id: fc.constant(7n),
    owner: fc.constant(OWNER),
    expiresAtUnix: offset.map((seconds) => NOW_UNIX + BigInt(seconds)),
    cancelled: fc.boolean(),
    atBlock: fc
      .record({ number: fc.bigInt({ min: 100n, max: 110n }), lag })
      .map(({ number, lag: seconds }) => ({ number, hash: `0x${number}`, timestampUnix: NOW_UNIX - BigInt(seconds) })),
  });

const witness = (value: Entitlement, endpoint: string, lies: boolean): WitnessRead => ({
  endpoint,
  expiresAtUnix: value.expiresAtUnix + (lies ? 1000n : 0n),
  cancelled: value.cancelled,
  blockNumber: value.atBlock.number,
  blockHash: value.atBlock.hash,
  readAtUnixMs: NOW_UNIX_MS,
});

/** The three levels mostly agree, as on a quiet chain; sometimes each has an expiry of its own. */
const view: fc.Arbitrary<EntitlementView> = offsetSeconds.chain((offset) => {
  const near = fc.oneof({ weight: 4, arbitrary: fc.constant(offset) }, { weight: 1, arbitrary: offsetSeconds });
  return fc
    .record({
      head: fact(entitlement(headLagSeconds, near), 8),
      safe: fact(entitlement(lagSeconds, near), 8),
      finalized: fact(entitlement(lagSeconds, near), 8),
      endpointsConfigured: fc.constantFrom(1, 2, 3),
      answering: fc.integer({ min: 0, max: 2 }),
      lies: fc.oneof({ weight: 8, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      ageMs: fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 0, max: 5000 }) },
        { weight: 1, arbitrary: fc.constant(120_000) },
      ),
    })
    .map(({ answering, lies, ageMs, ...levels }) => ({
      ...levels,
      readAtUnixMs: NOW_UNIX_MS - ageMs,
      witnesses: levels.finalized.known
        ? ['rpc#1', 'rpc#2']
            .slice(0, Math.min(answering, levels.endpointsConfigured))
            .map((endpoint, index) =>
              witness(
                levels.finalized.known ? levels.finalized.value : ({} as Entitlement),
                endpoint,
                lies && index === 1,
              ),
            )
        : [],
    }));
});

const run = fc.constantFrom<[RunState, RunReason]>(
  ['running', 'booted'],
  ['running', 'booted'],
  ['paused', 'io-error'],
  ['paused', 'user'],
  ['paused', 'saving'],
  ['paused', 'save-ended'],
  ['shutting-down', 'user'],
  ['off', 'shutdown'],
  ['off', 'destroyed'],
  ['off', 'crashed'],
  ['off', 'failed'],
  ['off', 'saved'],
  ['off', 'unknown'],
  ['crashed', 'other'],
);

export const domainState: fc.Arbitrary<DomainState> = fc
  .record({
    run,
    agentConnected: fc.boolean(),
    hasSavedImage: fc.boolean(),
    ageMs: fc.oneof(
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 4000 }) },
      { weight: 4, arbitrary: fc.integer({ min: 5000, max: 10 ** 9 }) },
    ),
    metadata: fc.constantFrom('ours', 'none', 'copied'),
    limits: fc.constantFrom<SeenLimits>({}, {}, { readIops: 100 }),
  })
  .map(({ run: [state, reason], ageMs, metadata, ...rest }) => ({
    ...rest,
    uuid: UUID,
    name: 'blockhost-007',
    run: state,
    reason,
    persistent: true,
    sinceUnixMs: NOW_UNIX_MS - ageMs,
    disks: ['/var/lib/blockhost/vms/blockhost-007.qcow2'],
    seeds: [],
    interfaces: [{ mac: '52:54:00:00:00:07', linkUp: true }],
    ...(metadata === 'none'
      ? {}
      : {
          metadata: { schema: 1 as const, uuid: metadata === 'ours' ? UUID : 'ffffffff-2222-4333-8444-555555555555' },
        }),
  }));

const suspending: fc.Arbitrary<Suspending> = fc
  .record({
    sinceAgoMs: fc.integer({ min: 0, max: 300_000 }),
    requests: fc.integer({ min: 0, max: 5 }),
    lastAgoMs: fc.integer({ min: 0, max: 60_000 }),
    powerOffs: fc.integer({ min: 0, max: 2 }),
    saveFailed: fc.boolean(),
  })
  .map(({ sinceAgoMs, lastAgoMs, ...rest }) => ({
    ...rest,
    sinceUnixMs: NOW_UNIX_MS - sinceAgoMs,
    lastRequestUnixMs: NOW_UNIX_MS - lastAgoMs,
    lastPowerOffUnixMs: NOW_UNIX_MS - lastAgoMs,
  }));

const sometimes = <T>(value: fc.Arbitrary<T>, weight = 1, of = 5): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: of - weight, arbitrary: fc.constant(undefined) }, { weight, arbitrary: value });

const machineClass = fc.constantFrom<OwnMachineClass>(
  { kind: 'bound', subscription: { chainId: 31337, contract: CONTRACT, subscriptionId: 7n } },
  { kind: 'bound', subscription: { chainId: 31337, contract: CONTRACT, subscriptionId: 7n } },
  { kind: 'record-only' },
);

const word = (untilMs: number | undefined) =>
  fc.constant({
    reason: 'a ticket',
    by: 'root',
    sinceUnixMs: NOW_UNIX_MS - 1000,
    ...(untilMs === undefined ? {} : { untilUnixMs: untilMs }),
  });

export const memory: fc.Arbitrary<MachineMemory> = fc.record({
  uuid: fc.constant(UUID),
  name: fc.constant('blockhost-007'),
  machineClass,
  details: fc.record({
    ipAddress: fc.constant('192.168.122.7'),
    ipv6Address: fc.constant(''),
    owner: fc.constant(OWNER as string),
    username: fc.constant('customer'),
    createdAtUnix: fc.constant(NOW_UNIX - 1000n),
    nftTokenId: fc.constant(7n),
    nftMinted: fc.boolean(),
    disks: fc.constant(['/var/lib/blockhost/vms/blockhost-007.qcow2']),
    seeds: fc.constant([]),
  }),
  phase: fc.constantFrom(
    ...([
      'present',
      'present',
      'present',
      'present',
      'creating',
      'destroying',
      'quarantined',
      'restoring',
      'gone',
    ] as const),
  ),
  run: sometimes(
    fc.record({
      on: fc.boolean(),
      cause: fc.constantFrom('expiry', 'owner', 'admin', 'crash', 'host'),
      atUnixMs: fc.constant(NOW_UNIX_MS - 50_000),
      bootId: fc.constantFrom('boot-a', 'boot-b'),
    }),
    4,
  ),
  suspending: sometimes(suspending),
  suspendedAtUnixMs: sometimes(
    offsetSeconds.map((seconds) => NOW_UNIX_MS - Math.abs(seconds) * 1000),
    2,
  ),
  lastExpiresAtUnix: sometimes(
    offsetSeconds.map((seconds) => NOW_UNIX + BigInt(seconds)),
    3,
  ),
  formerAddresses: sometimes(
    fc.record({ addresses: fc.constant(['192.0.2.99']), stage: fc.constantFrom('chosen', 'told', 'left') }),
  ),
  grantUntilUnix: sometimes(offsetSeconds.map((seconds) => NOW_UNIX + BigInt(seconds))),
  hold: sometimes(fc.oneof(word(NOW_UNIX_MS + 60_000), word(NOW_UNIX_MS - 60_000)), 1, 8),
  protect: sometimes(fc.oneof(word(undefined), word(NOW_UNIX_MS - 60_000)), 1, 8),
  quarantine: sometimes(
    fc
      .integer({ min: -DAY, max: DAY })
      .map((seconds) => ({ sinceUnixMs: NOW_UNIX_MS - 2 * DAY * 1000, untilUnixMs: NOW_UNIX_MS + seconds * 1000 })),
    4,
  ),
  limits: sometimes(fc.constantFrom<Limits>({}, { readIops: 100 })),
  adminStop: sometimes(fc.constant({ by: 'root', sinceUnixMs: NOW_UNIX_MS - 1000 }), 1, 8),
  ordered: sometimes(fc.constant({ by: 'root', sinceUnixMs: NOW_UNIX_MS - 1000 }), 1, 12),
  loginOwner: sometimes(fc.constantFrom(OWNER, STRANGER), 2),
  loginUnsure: sometimes(fc.constant(true as const), 1, 8),
  linkDownSinceUnixMs: sometimes(fc.constantFrom(NOW_UNIX_MS - 1000, NOW_UNIX_MS - 600_000)),
  witnesses: sometimes(
    offsetSeconds.map((seconds) => [
      {
        endpoint: 'rpc#1',
        expiresAtUnix: NOW_UNIX + BigInt(seconds),
        cancelled: false,
        blockNumber: 90n,
        blockHash: '0x90',
        readAtUnixMs: NOW_UNIX_MS - 900_000,
      },
    ]),
  ).map((reads) => reads ?? []),
  failures: sometimes(
    fc
      .record({
        count: fc.constantFrom(1, 3, 40),
        ageMs: fc.constantFrom(10, 10 ** 7),
        curable: fc.boolean(),
        step: fc.constantFrom('start', 'destroy', 'restore', 'purge', 'crash'),
      })
      .map(({ count, ageMs, curable, step }) => ({
        [step]: { count, lastUnixMs: NOW_UNIX_MS - ageMs, message: 'it failed', curable },
      })),
  ).map((failures) => failures ?? {}),
});

export const record: fc.Arbitrary<VmRecord | undefined> = sometimes(
  fc.record({
    name: fc.constant('blockhost-007'),
    status: fc.constantFrom('active', 'suspended', 'destroyed'),
    ipAddress: fc.constantFrom('192.168.122.7', ''),
    ipv6Address: fc.constant(''),
    owner: fc.constant(OWNER),
    username: fc.constant('customer'),
    expiresAtUnix: offsetSeconds.map((seconds) => NOW_UNIX + BigInt(seconds)),
    nftTokenId: fc.constant(7n),
    nftMinted: fc.boolean(),
  }),
  4,
);

const login: fc.Arbitrary<LoginView | undefined> = sometimes(
  fc.record({
    tokenId: fc.constantFrom(7n, 8n),
    head: fact(fc.constantFrom(OWNER, STRANGER)),
    safe: fact(fc.constantFrom(OWNER, STRANGER)),
    readAtUnixMs: fc.constant(NOW_UNIX_MS),
  }),
  3,
);

const chain: fc.Arbitrary<ChainFacts> = fc.oneof(
  { weight: 8, arbitrary: view.map((value) => ({ kind: 'view' as const, view: value })) },
  { weight: 1, arbitrary: fc.constant({ kind: 'not-configured' as const }) },
);

const reason = (weight: number) => sometimes(fc.constant('too many'), weight, 10);

/** Any observation at all: every combination of facts that the world, our own past and an operator can produce. */
export const observation: fc.Arbitrary<Observation> = fc
  .record({
    memory: sometimes(memory, 9, 10),
    domain: fact(
      fc.oneof({ weight: 5, arbitrary: domainState }, { weight: 1, arbitrary: fc.constant('absent' as const) }),
      12,
    ),
    record: fact(record, 8),
    addressesListed: fact(fc.boolean()),
    createRuns: fact(fc.boolean()),
    nameTaken: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    subscriptionTaken: fc.oneof(
      { weight: 5, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
    filesFit: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    absentSinceUnixMs: sometimes(fc.constantFrom(NOW_UNIX_MS - 1000, NOW_UNIX_MS - 3_600_000), 3),
    chain,
    candidate: sometimes(
      view.map((value) => ({ ref: { chainId: 31337, contract: CONTRACT, subscriptionId: 7n }, view: value })),
      2,
    ),
    login,
    gateWaitsFor: sometimes(fc.constant(['chain']), 1, 10).map((keys) => keys ?? []),
    clockDoubt: sometimes(fc.constant({ byMs: 10_800_000, atUnixMs: NOW_UNIX_MS }), 1, 10),
    suspendOpen: reason(1),
    destroyOpen: reason(1),
    suspendTrips: reason(1),
    destroyTrips: reason(1),
  })
  .map(({ suspendOpen, destroyOpen, suspendTrips, destroyTrips, ...rest }) => ({
    ...rest,
    nowUnixMs: NOW_UNIX_MS,
    uuid: UUID,
    name: 'blockhost-007',
    bootId: 'boot-a',
    breaker: { ...(suspendOpen ? { suspend: suspendOpen } : {}), ...(destroyOpen ? { destroy: destroyOpen } : {}) },
    breakerWouldTrip: {
      ...(suspendTrips ? { suspend: suspendTrips } : {}),
      ...(destroyTrips ? { destroy: destroyTrips } : {}),
    },
  }));

export const policy: fc.Arbitrary<Policy> = fc
  .record({
    graceMs: fc.constantFrom(7 * DAY * 1000, 60_000, 0),
    suspendMode: fc.constantFrom('shutdown', 'save'),
    onOwnerStop: fc.constantFrom('stay', 'start'),
  })
  .map((chosen) => ({ ...DEFAULT_POLICY, ...chosen }) as Policy);
