import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY } from '../../../src/domain/policy.ts';
import type { VmRecord } from '../../../src/domain/record.ts';
import { expireTogether } from '../../../src/simulator/campaigns/expire-at-once.ts';
import { INVARIANTS } from '../../../src/simulator/invariants/all.ts';
import type { SeenDomain, SeenMachine, Sight } from '../../../src/simulator/invariants/sight.ts';
import type { Effect } from '../../../src/simulator/world/process.ts';

/*
 * Each invariant sees a history that somebody made up to break it, and one beside it that is in order: a watch that
 * cannot fail watches nothing.
 */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const UUID = 'u-7';
const NAME = 'blockhost-007';
const OWNER = `0x${'a'.repeat(40)}`;
const FORMER = `0x${'b'.repeat(40)}`;
const START_UNIX = 1_800_000_000;

const domain = (more: Partial<SeenDomain> = {}): SeenDomain => ({
  uuid: UUID,
  name: NAME,
  run: 'running',
  reason: 'booted',
  disks: ['/vms/blockhost-007.qcow2'],
  subscription: 7n,
  linkUp: true,
  agentAnswers: true,
  lets: OWNER,
  ...more,
});

const record = (more: Partial<VmRecord> = {}): VmRecord => ({
  name: NAME,
  status: 'active',
  ipAddress: '10.0.0.7',
  ipv6Address: '',
  owner: OWNER,
  username: 'customer',
  expiresAtUnix: BigInt(START_UNIX + 86_400),
  createdAtUnix: 0n,
  nftMinted: true,
  ...more,
});

const machine = (more: Partial<SeenMachine> = {}): SeenMachine => ({
  uuid: UUID,
  name: NAME,
  isNew: false,
  expiresAtUnix: BigInt(START_UNIX + 86_400),
  grantUntilUnix: 0n,
  owner: OWNER,
  domain: domain(),
  record: record(),
  files: 2,
  condemned: false,
  excused: false,
  protected: false,
  disturbed: false,
  ...more,
});

const off = domain({ run: 'off', reason: 'shutdown', agentAnswers: false });
const OVER = BigInt(START_UNIX - 40 * 86_400);

const effect = (what: string, more: Partial<Effect> = {}): Effect => ({
  by: 'daemon',
  what,
  args: [UUID],
  startMs: 0,
  endMs: 1,
  failed: false,
  ...more,
});

const sight = (more: Partial<Sight> = {}): Sight => ({
  nowMs: 0,
  trueUnix: START_UNIX + (more.nowMs ?? 0) / 1000,
  machines: [machine()],
  domains: [domain()],
  files: new Map([['/vms/blockhost-007.qcow2', UUID]]),
  records: [record()],
  allocated: ['10.0.0.7'],
  dossiers: new Set(),
  effects: [],
  ableSinceMs: 0,
  calmSinceMs: 0,
  darkSinceMs: undefined,
  duskSinceMs: undefined,
  openBreakers: new Set(),
  liar: false,
  policy: DEFAULT_POLICY,
  host: {
    machines: 1,
    paidForSeconds: [1],
    nodes: 2,
    blockMs: 12_000,
    safeBlocks: 2,
    finalizedBlocks: 6,
    pollEveryMs: 10_000,
    sweepEveryMs: 5 * MINUTE,
    tickMs: 1000,
    graceMs: HOUR,
    quarantineMs: HOUR,
    suspendMode: 'shutdown',
    onOwnerStop: 'stay',
    libvirtMs: 300,
    answerMs: 0,
    lastsMs: HOUR,
  },
  atRest: false,
  ...more,
});

/** Several moments that differ in what is given, the last of which counts. */
const after = (ms: number, last: Partial<Sight>, always: Partial<Sight> = {}): readonly Sight[] => [
  sight(always),
  sight({
    ...always,
    ...last,
    nowMs: ms,
    // What has no time of its own was done just now.
    effects: (last.effects ?? []).map((one) => (one.startMs === 0 ? { ...one, startMs: ms } : one)),
  }),
];

type Case = readonly [invariant: string, title: string, broken: readonly Sight[], whole: readonly Sight[]];

const graced = (offForMs: number): readonly Sight[] =>
  after(
    offForMs,
    { effects: [effect('quarantine.moveIn')] },
    { machines: [machine({ domain: off, expiresAtUnix: OVER })], policy: { ...DEFAULT_POLICY, graceMs: HOUR } },
  );

/** A breaker is open since so many machines were stopped, and one that is over runs on for an hour. */
const tripped = (count: number): readonly Sight[] => {
  const overdue = machine({ expiresAtUnix: OVER });
  const openBreakers = new Set(['suspend'] as const);
  const stops = Array.from({ length: count }, (_, index) =>
    effect('hypervisor.requestShutdown', { args: [`u-${100 + index}`], startMs: 1000 }),
  );
  return after(HOUR, { effects: [] }, { machines: [overdue], openBreakers }).map((one, index) =>
    index === 0 ? { ...one, effects: stops } : one,
  );
};

const CASES: readonly Case[] = [
  [
    'paid-runs',
    'a paid machine stays off in calm weather; one that its operator holds off may',
    after(20 * MINUTE, {}, { machines: [machine({ domain: off })] }),
    after(20 * MINUTE, {}, { machines: [machine({ domain: off, excused: true })] }),
  ],
  [
    'paid-runs',
    'it stays off for hours in rough weather; while nobody could work, nobody is late',
    after(3 * HOUR, {}, { machines: [machine({ domain: off })], calmSinceMs: undefined }),
    after(3 * HOUR, {}, { machines: [machine({ domain: off })], calmSinceMs: undefined, ableSinceMs: undefined }),
  ],
  [
    'paid-is-kept',
    'the files of a paid machine are gone; an ordered destroy may do that',
    after(10 * MINUTE, { machines: [machine({ files: 0, domain: undefined })] }),
    after(10 * MINUTE, { machines: [machine({ files: 0, domain: undefined, condemned: true })] }),
  ],
  [
    'paid-is-kept',
    'a paid machine is taken apart; an unpaid one may be',
    after(10 * MINUTE, { effects: [effect('hypervisor.undefine')] }),
    after(10 * MINUTE, { effects: [effect('hypervisor.undefine')] }, { machines: [machine({ expiresAtUnix: OVER })] }),
  ],
  [
    'harm-needs-expiry',
    'the daemon asks a paid machine to shut down; its operator may',
    after(10 * MINUTE, { effects: [effect('hypervisor.requestShutdown')] }),
    after(10 * MINUTE, { effects: [effect('hypervisor.requestShutdown', { by: 'operator stop' })] }),
  ],
  [
    'unknown-harms-nobody',
    'power is taken while no node answers; while one does, the other rules say when',
    after(
      HOUR,
      { effects: [effect('hypervisor.powerOff')] },
      { darkSinceMs: 0, machines: [machine({ expiresAtUnix: OVER })] },
    ),
    after(HOUR, { effects: [effect('hypervisor.powerOff')] }, { machines: [machine({ expiresAtUnix: OVER })] }),
  ],
  [
    'unknown-harms-nobody',
    'a machine is taken apart on the word of one node of two; a suspension may rest on it',
    after(HOUR, { effects: [effect('quarantine.moveIn')] }, { duskSinceMs: 0 }),
    after(HOUR, { effects: [effect('hypervisor.requestShutdown')] }, { duskSinceMs: 0 }),
  ],
  [
    'unpaid-ends',
    'a machine runs on for an hour after its time; one that is protected may',
    after(HOUR, {}, { machines: [machine({ expiresAtUnix: OVER })] }),
    after(HOUR, {}, { machines: [machine({ expiresAtUnix: OVER, protected: true })] }),
  ],
  [
    'unpaid-ends',
    'a breaker that opened for one machine excuses nobody; for as many as it allows, it does',
    tripped(1),
    tripped(20),
  ],
  [
    'harm-needs-expiry',
    'what was asked before the payment is no harm, however late it is looked at; after it, it is',
    after(10 * MINUTE, { effects: [effect('hypervisor.requestShutdown', { startMs: 9 * MINUTE })] }),
    after(10 * MINUTE, { effects: [effect('hypervisor.requestShutdown', { startMs: 1000 })] }),
  ],
  [
    'unknown-harms-nobody',
    'a machine is taken apart long after the second answer; the same at once, looked at late',
    after(HOUR, { effects: [effect('quarantine.moveIn', { startMs: 30 * MINUTE })] }, { duskSinceMs: 0 }),
    after(
      HOUR,
      { effects: [effect('quarantine.moveIn', { startMs: 1000 })] },
      { duskSinceMs: 0, machines: [machine({ expiresAtUnix: OVER })], policy: { ...DEFAULT_POLICY, graceMs: 0 } },
    ),
  ],
  [
    'unknown-harms-nobody',
    'power is taken long after the last answer; the same at once, looked at late',
    after(HOUR, { effects: [effect('hypervisor.powerOff', { startMs: 30 * MINUTE })] }, { darkSinceMs: 0 }),
    after(HOUR, { effects: [effect('hypervisor.powerOff', { startMs: 1000 })] }, { darkSinceMs: 0 }),
  ],
  ['grace-is-kept', 'grace was cut short; the whole of it had passed', graced(10 * MINUTE), graced(2 * HOUR)],
  [
    'one-for-one',
    'two domains serve one subscription; two serve two',
    [sight({ domains: [domain(), domain({ uuid: 'u-8', name: 'blockhost-008' })] })],
    [sight({ domains: [domain(), domain({ uuid: 'u-8', name: 'blockhost-008', subscription: 8n })] })],
  ],
  [
    'nothing-shared',
    'two domains have one disk; each has its own',
    [sight({ domains: [domain(), domain({ uuid: 'u-8', name: 'blockhost-008' })] })],
    [sight({ domains: [domain(), domain({ uuid: 'u-8', name: 'blockhost-008', disks: ['/vms/8'] })] })],
  ],
  [
    'nothing-shared',
    'two live records bear one address; one of a destroyed machine may still name it',
    [sight({ records: [record(), record({ name: 'blockhost-008' })] })],
    [sight({ records: [record(), record({ name: 'blockhost-008', status: 'destroyed' })] })],
  ],
  [
    'nothing-leaks',
    'a disk is left of a machine that is gone; in quarantine it is kept',
    [sight({ atRest: true, domains: [] })],
    [sight({ atRest: true, domains: [], dossiers: new Set([UUID]) })],
  ],
  [
    'nothing-leaks',
    'an address is allocated that nobody bears; one that somebody bears',
    [sight({ atRest: true, allocated: ['10.0.0.7', '10.0.0.8'] })],
    [sight({ atRest: true })],
  ],
  [
    'record-converges',
    'the record has another expiry than the chain; the same',
    [sight({ atRest: true, machines: [machine({ record: record({ expiresAtUnix: 1n }) })] })],
    [sight({ atRest: true })],
  ],
  [
    'record-converges',
    'the record says active of a machine without domain; destroyed',
    [sight({ atRest: true, machines: [machine({ domain: undefined })] })],
    [sight({ atRest: true, machines: [machine({ domain: undefined, record: record({ status: 'destroyed' }) })] })],
  ],
  [
    'nothing-twice',
    'two hands move one machine at once; one after the other',
    [
      sight({
        effects: [
          effect('hypervisor.start', { startMs: 0, endMs: 100 }),
          effect('hypervisor.undefine', { by: 'operator destroy', startMs: 50, endMs: 60 }),
        ],
      }),
    ],
    [
      sight({
        effects: [
          effect('hypervisor.start', { startMs: 0, endMs: 40 }),
          effect('hypervisor.undefine', { by: 'operator destroy', startMs: 50, endMs: 60 }),
        ],
      }),
    ],
  ],
  [
    'nothing-twice',
    'a guest is asked twice within a second; after its time',
    [0, 1000].map((startMs) => sight({ nowMs: startMs, effects: [effect('hypervisor.requestShutdown', { startMs })] })),
    [0, 20_000].map((startMs) =>
      sight({ nowMs: startMs, effects: [effect('hypervisor.requestShutdown', { startMs })] }),
    ),
  ],
  [
    'quiet-is-quiet',
    'a start at rest; a heartbeat is none',
    [sight({ atRest: true, effects: [effect('records.patch')] })],
    [sight({ atRest: true, effects: [effect('hypervisor.writeMetadata')] })],
  ],
  [
    'login-follows-owner',
    'the guest lets in a former owner for an hour; without network it may',
    after(HOUR, {}, { machines: [machine({ domain: domain({ lets: FORMER }) })] }),
    after(HOUR, {}, { machines: [machine({ domain: domain({ lets: FORMER, linkUp: false }) })] }),
  ],
  [
    'words-are-heeded',
    'a protected machine is asked to shut down; an unprotected one may be',
    after(
      HOUR,
      { effects: [effect('hypervisor.requestShutdown')] },
      { machines: [machine({ protected: true, expiresAtUnix: OVER })] },
    ),
    after(HOUR, { effects: [effect('hypervisor.requestShutdown')] }, { machines: [machine({ expiresAtUnix: OVER })] }),
  ],
];

const judged = (name: string, sights: readonly Sight[]): readonly string[] => {
  const watch = INVARIANTS.find((invariant) => invariant.name === name)?.watch();
  if (!watch) throw new Error(`there is no invariant ${name}`);
  return sights.flatMap((one) => watch(one).map(({ invariant }) => invariant));
};

describe('the invariants', () => {
  it.each(CASES)('%s: %s', (name, _title, broken, whole) => {
    expect(judged(name, broken)).toContain(name);
    expect(judged(name, whole)).toEqual([]);
  });

  it('can all fail', () => {
    expect(new Set(CASES.map(([name]) => name))).toEqual(new Set(INVARIANTS.map(({ name }) => name)));
  });

  it('are joined by a gauge of the breaker, which sees one machine too many, and one that is nowhere (L10)', () => {
    const asked = (count: number): readonly Effect[] =>
      Array.from({ length: count }, (_, index) =>
        effect('hypervisor.requestShutdown', { args: [`u-${100 + index}`], startMs: 1000 }),
      );
    const seen = (more: Partial<Sight>): readonly string[] => {
      const watches =
        expireTogether(1)
          .gauge?.()
          .invariants.map(({ watch }) => watch()) ?? [];
      return watches.flatMap((watch) => watch(sight(more)).map(({ invariant }) => invariant));
    };
    expect(seen({ effects: asked(20) })).toEqual([]);
    expect(seen({ effects: asked(21) })).toEqual(['breaker-holds']);
    expect(seen({ machines: [machine({ domain: undefined })] })).toEqual(['nothing-is-lost']);
    expect(seen({ machines: [machine({ domain: undefined })], dossiers: new Set([UUID]) })).toEqual([]);
  });
});
