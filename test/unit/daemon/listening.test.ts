import { describe, expect, it } from 'vitest';
import { createClockDoubt } from '../../../src/daemon/clock-doubt.ts';
import { createGate } from '../../../src/daemon/gate.ts';
import { heartbeat } from '../../../src/daemon/heartbeat.ts';
import { createNarrator } from '../../../src/daemon/narrator.ts';
import { routeChainHint } from '../../../src/daemon/routes.ts';
import { surveyed } from '../../../src/daemon/surveyed.ts';
import type { BlockRef } from '../../../src/domain/entitlement.ts';
import { JournalError, RecordsError } from '../../../src/domain/errors.ts';
import { type Fact, known, unknown } from '../../../src/domain/fact.ts';
import { createFleet } from '../../../src/operations/fleet.ts';
import type { Round } from '../../../src/operations/reconcile.ts';
import type { ChainHint } from '../../../src/ports/chain.ts';
import { createVirtualClock } from '../../../src/simulator/time/virtual-clock.ts';
import { refOf } from '../../models/model-ledger.ts';
import { createModelLog } from '../../models/model-log.ts';
import { createWorld } from '../../models/model-world.ts';

const why = { source: 'chain', what: 'SubscriptionExtended', seenAtUnixMs: 0 } as const;

describe('the narrator', () => {
  const narrate = () => {
    const log = createModelLog();
    const narrator = createNarrator({ log, clock: createVirtualClock() });
    const round = (row: string, more: object = {}): Round =>
      ({
        plan: { row, because: 'b', chores: [], basis: {}, ...more },
        observation: { uuid: 'u', name: 'vm', chain: { kind: 'not-bound' } },
        acted: false,
      }) as unknown as Round;
    return {
      log,
      narrator,
      round,
      messages: () => log.lines.map(({ message, fields }) => `${message} ${fields.row ?? ''}`.trim()),
    };
  };

  it('tells a decision once until it changes, and every step', () => {
    const { narrator, round, messages } = narrate();
    for (const row of ['goes-on', 'goes-on', 'expired-running', 'expired-running', 'goes-on'])
      narrator.round(round(row), why);
    narrator.round(round('goes-on', { step: { do: 'start' } }), why);
    expect(messages()).toEqual([
      'decision goes-on',
      'decision expired-running',
      'decision goes-on',
      'decision goes-on',
    ]);
  });

  it('tells a report once until it changes, at the level of who must act', () => {
    const { narrator, round, log } = narrate();
    const report = (what: string) => round('missing', { report: { level: 'error', what } });
    for (const what of ['a', 'a', 'b', 'b']) narrator.round(report(what), why);
    narrator.round(round('missing'), why);
    narrator.round(report('b'), why);
    const told = log.lines
      .filter(({ message }) => message === 'report')
      .map(({ level, fields }) => [level, fields.what]);
    expect(told).toEqual([
      ['error', 'a'],
      ['error', 'b'],
      ['error', 'b'],
    ]);
  });

  it('says since when the chain has been unknown (L3)', () => {
    const { narrator, round, log } = narrate();
    const dark = round('goes-on');
    Object.assign(dark.observation, { chain: { kind: 'view', view: { head: unknown('away', 77) } } });
    narrator.round(dark, why);
    expect(log.lines[0]?.fields).toMatchObject({ unknownSinceUnixMs: 77, wokenBy: 'chain: SubscriptionExtended' });
  });

  it('tells trouble with libvirt once, and again after it was well', () => {
    const { narrator, round, log } = narrate();
    for (const text of ['gone', 'gone', 'hung']) narrator.surveyFailed(text);
    narrator.round(round('goes-on'), why);
    narrator.surveyFailed('hung');
    expect(log.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields.why)).toEqual([
      'gone',
      'hung',
      'hung',
    ]);
  });
});

describe('hints from the chain', () => {
  it.each<[string, ChainHint, 'all' | 'the machine' | 'nothing', ...string[]]>([
    [
      'a subscription: its machine',
      { kind: 'subscription', ref: refOf(7n), what: 'extended', block: 5n },
      'the machine',
      'info',
    ],
    [
      'a subscription without a machine: nothing yet',
      { kind: 'subscription', ref: refOf(8n), what: 'created', block: 5n },
      'nothing',
      'info',
    ],
    [
      'the same id of another contract: nothing',
      { kind: 'subscription', ref: { ...refOf(7n), contract: `0x${'dd'.repeat(20)}` }, what: 'extended', block: 5n },
      'nothing',
      'info',
    ],
    ['a token: its machine', { kind: 'token', tokenId: 70n, what: 'Transfer', block: 5n }, 'the machine', 'info'],
    ['a token of nobody: nothing', { kind: 'token', tokenId: 0n, what: 'Transfer', block: 5n }, 'nothing', 'info'],
    ['a reorg: all (C6)', { kind: 'reorg', depth: 3, from: 9n, suspects: [] }, 'all', 'warn'],
    [
      'unknown: nothing, and the follower has told it already (L3)',
      { kind: 'unknown', why: 'away', sinceUnixMs: 1 },
      'nothing',
    ],
    ['known again: all, and told by the follower', { kind: 'known-again', unknownForMs: 5 }, 'all'],
    ['a new block: nothing', { kind: 'advanced', head: 9n, safe: 8n, finalized: 7n }, 'nothing', 'debug'],
  ])('%s', async (_title, hint, wanted, ...levels) => {
    const world = createWorld();
    const { uuid } = await world.sell(7, 100_000, { tokenId: 70n });
    const log = createModelLog();
    const targets = routeChainHint({ fleet: createFleet(world.deps), journal: world.journal, log })(hint);
    const expected = { all: [{ kind: 'all' }], 'the machine': [{ kind: 'machine', uuid }], nothing: [] };
    expect(targets).toEqual(expected[wanted]);
    expect(log.lines.map((line) => line.level)).toEqual(levels);
  });
});

describe('after a survey (L12)', () => {
  const build = async () => {
    const world = createWorld();
    await world.sell(7, 100_000);
    const seed = {
      name: 'blockhost-099',
      ipAddress: '',
      ipv6Address: '',
      owner: '',
      username: '',
      expiresAtUnix: 1n,
      createdAtUnix: 0n,
    } as const;
    await world.records.restore({ ...seed, status: 'active' });
    await world.records.restore({ ...seed, name: 'blockhost-098', status: 'destroyed' });
    const fleet = createFleet(world.deps);
    await fleet.survey();
    const gate = createGate(['libvirt', 'records', 'snapshot']);
    return { world, gate, look: surveyed({ deps: world.deps, fleet, gate, missing: undefined }).onSurvey };
  };

  it('the gate opens, and a live record without a machine is told once; one with a machine, or a destroyed one, is not', async () => {
    const { world, gate, look } = await build();
    await look();
    await look();
    expect(gate.waitsFor()).toEqual([]);
    const told = world.log.lines.filter(({ message }) => message === 'a live record has no machine');
    expect(told.map(({ fields }) => fields.vm)).toEqual(['blockhost-099']);
  });

  it('host routes that are lost are put back at the next one (D27)', async () => {
    const { world, look } = await build();
    const [memory] = Object.values(world.journal.state().machines);
    if (memory === undefined) throw new Error('no machine');
    const details = { ...memory.details, ipv6Address: '2001:db8::7' };
    await world.journal.append([{ kind: 'details-changed', uuid: memory.uuid, details }]);
    expect([...world.routes]).toEqual([]);
    await look();
    expect([...world.routes]).toEqual(['2001:db8::7']);
  });

  it('the gate stays closed while the records cannot be read, and opens when they can (L6)', async () => {
    const { world, gate, look } = await build();
    const { list } = world.records;
    Object.assign(world.records, {
      list: () => Promise.reject(new RecordsError('torn', { code: 'x', retryable: true })),
    });
    await look();
    expect(gate.waitsFor()).toEqual(['records']);
    Object.assign(world.records, { list });
    await look();
    expect(gate.waitsFor()).toEqual([]);
  });
});

describe('doubt about the clock (C9)', () => {
  const build = (head: () => Fact<BlockRef>) => {
    const world = createWorld();
    const chain = { ...world.deps.chain, health: () => ({ synced: known<true>(true), head: head() }) };
    const doubt = createClockDoubt({
      journal: world.journal,
      chain,
      clock: world.clock,
      log: world.log,
      maxClockGapMs: 120_000,
    });
    const headNow = (aheadMs: number): Fact<BlockRef> =>
      known({ number: 1n, hash: '0x1', timestampUnix: BigInt(Math.floor((world.clock.nowUnixMs() + aheadMs) / 1000)) });
    return { world, doubt, headNow };
  };

  it('is raised into the journal, and laid to rest by a head that agrees', async () => {
    let ahead = 10_800_000;
    const { world, doubt, headNow } = build(() => headNow(ahead));
    let settled = 0;
    const stop = doubt.onSettled(() => {
      settled += 1;
    });
    await doubt.settle();
    await doubt.raise(-10_800_000.4);
    expect(world.journal.state().clockDoubt).toMatchObject({ byMs: -10_800_000 });
    await doubt.settle();
    expect(world.journal.state().clockDoubt).toBeDefined();
    expect(settled).toBe(0);
    ahead = -2000;
    await doubt.settle();
    expect(world.journal.state().clockDoubt).toBeUndefined();
    expect(settled).toBe(1);
    stop();
  });

  it('stays while the head is unknown', async () => {
    const { world, doubt } = build(() => unknown('away', 1));
    await doubt.raise(5000);
    await doubt.settle();
    expect(world.journal.state().clockDoubt).toBeDefined();
  });

  it('is not forgotten because the journal could not be written: it is raised as soon as it can be', async () => {
    const { world, doubt } = build(() => unknown('away', 1));
    const { append } = world.journal;
    Object.assign(world.journal, {
      append: () => Promise.reject(new JournalError('disk full', { code: 'x', retryable: true })),
    });
    const raised = doubt.raise(10_800_000);
    await world.clock.advance(30_000);
    expect(world.journal.state().clockDoubt).toBeUndefined();
    Object.assign(world.journal, { append });
    await world.clock.advance(30_000);
    await raised;
    expect(world.journal.state().clockDoubt).toMatchObject({ byMs: 10_800_000 });
  });
});

describe('the heartbeat', () => {
  it('touches one machine of ours', async () => {
    const world = createWorld();
    expect(await heartbeat(world)).toBe(false);
    await world.sell(7, 100_000);
    expect(await heartbeat(world)).toBe(true);
    expect(world.hypervisor.calls.at(-1)?.what).toBe('write the metadata of');
  });

  it('touches the next one where the first is missing', async () => {
    const world = createWorld();
    const first = await world.sell(7, 100_000);
    await world.sell(8, 100_000);
    await world.hypervisor.powerOff(first.uuid, 'forced');
    await world.hypervisor.undefine(first.uuid);
    expect(await heartbeat(world)).toBe(true);
  });
});
