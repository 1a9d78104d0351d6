import { describe, expect, it } from 'vitest';
import { createModelChain, OWNER } from '../../../../src/simulator/models/model-chain.ts';
import { createChainLab, ref, START_UNIX } from './support.ts';

const EXPIRY = START_UNIX + 500n;

const bought = (options: Parameters<typeof createChainLab>[0] = {}) => {
  const lab = createChainLab(options);
  lab.mine([{ kind: 'buy', expiresAt: EXPIRY }]);
  for (let n = 0; n < 8; n += 1) lab.mine();
  return lab;
};

describe('reading an entitlement', () => {
  it('reads one pinned block per level, each older than the one before (C4, C5)', async () => {
    const lab = bought();
    const extended = lab.mine([{ kind: 'extend', id: 1n, expiresAt: EXPIRY + 100n }]);
    const view = await lab.reader.entitlement(ref(1n), 'all-levels');
    expect(view.head).toMatchObject({
      known: true,
      value: { expiresAtUnix: EXPIRY + 100n, cancelled: false, owner: OWNER },
    });
    expect(view.head).toMatchObject({
      value: { atBlock: { number: 10n, hash: extended.hash, timestampUnix: extended.timestamp } },
    });
    expect(view.safe).toMatchObject({ known: true, value: { expiresAtUnix: EXPIRY, atBlock: { number: 8n } } });
    expect(view.finalized).toMatchObject({ known: true, value: { expiresAtUnix: EXPIRY, atBlock: { number: 6n } } });
    expect(view.witnesses).toEqual([]);
  });

  it('asks only the head for the depth head, and says of the others that they were not asked', async () => {
    const lab = bought();
    const view = await lab.reader.entitlement(ref(1n), 'head');
    expect(view.head.known).toBe(true);
    expect(view.finalized).toMatchObject({ known: false, why: 'not asked for' });
    expect(lab.node(0).requests('eth_getBlockByNumber')).toBe(1);
  });

  it('puts what is asked in one moment into one multicall per level', async () => {
    const lab = createChainLab();
    lab.mine(Array.from({ length: 150 }, () => ({ kind: 'buy' as const, expiresAt: EXPIRY })));
    for (let n = 0; n < 6; n += 1) lab.mine();
    const views = await Promise.all(
      Array.from({ length: 150 }, (_, n) => lab.reader.entitlement(ref(BigInt(n + 1)), 'all-levels')),
    );
    expect(views.every(({ finalized }) => finalized.known)).toBe(true);
    expect(lab.node(0).requests('eth_call')).toBe(4);
  });

  it('reads at the hash again only what it has not read at that hash', async () => {
    const lab = bought();
    await lab.reader.entitlement(ref(1n), 'all-levels');
    const before = lab.node(0).requests('eth_call');
    await lab.reader.entitlement(ref(1n), 'all-levels');
    expect(lab.node(0).requests('eth_call')).toBe(before);
  });

  it.each([
    ['has no multicall', { noMulticall: true }],
    ['knows no EIP-1898', { noBlockHashParam: true }],
    ['has neither', { noMulticall: true, noBlockHashParam: true }],
  ])('reads the same from a node that %s', async (_name, faults) => {
    const lab = bought({ faults: [faults] });
    lab.mine([
      { kind: 'cancel', id: 1n },
      { kind: 'buy', expiresAt: EXPIRY },
    ]);
    const [one, two] = await Promise.all([1n, 2n].map((id) => lab.reader.entitlement(ref(id), 'all-levels')));
    expect(one?.head).toMatchObject({ value: { cancelled: true } });
    expect(one?.finalized).toMatchObject({ value: { cancelled: false, expiresAtUnix: EXPIRY } });
    expect(two?.head).toMatchObject({ value: { expiresAtUnix: EXPIRY } });
    expect(two?.safe.known).toBe(false);
  });

  it('takes a zero subscriber for no such subscription: unknown, never over (D9)', async () => {
    const lab = bought();
    const { head, finalized } = await lab.reader.entitlement(ref(7n), 'all-levels');
    expect(head).toMatchObject({ known: false, why: 'there is no subscription 7: its subscriber is zero' });
    expect(finalized.known).toBe(false);
  });

  it('knows nothing of a contract or chain that is not configured (D9, D12)', async () => {
    const { reader } = bought();
    const elsewhere = { ...ref(1n), chainId: 5 };
    const other = { ...ref(1n), contract: '0x00000000000000000000000000000000000000ff' } as const;
    expect([reader.knows(ref(1n)), reader.knows(elsewhere), reader.knows(other)]).toEqual([true, false, false]);
    expect((await reader.entitlement(elsewhere, 'head')).head).toMatchObject({
      known: false,
      why: 'chain 5 is not configured',
    });
    expect((await reader.entitlement(other, 'head')).head.known).toBe(false);
  });

  it('keeps the time since which a fact is unknown, until it is known again (L3)', async () => {
    const lab = bought();
    lab.node(0).faults.fail = 'refused';
    const first = await lab.reader.entitlement(ref(1n), 'all-levels');
    const sinceUnixMs = lab.time.clock.nowUnixMs();
    lab.time.advance(20_000);
    lab.node(0).faults.fail = 'http-500';
    const second = await lab.reader.entitlement(ref(1n), 'all-levels');
    expect([first, second].map(({ head }) => head)).toMatchObject([{ sinceUnixMs }, { sinceUnixMs }]);
    lab.node(0).faults.fail = undefined;
    expect((await lab.reader.entitlement(ref(1n), 'all-levels')).head.known).toBe(true);
    lab.node(0).faults.fail = 'refused';
    const third = await lab.reader.entitlement(ref(1n), 'all-levels');
    expect(third.head).toMatchObject({ sinceUnixMs: sinceUnixMs + 20_000 });
  });

  it('calls a fact that is first asked for during an outage unknown since the outage began (L3)', async () => {
    const lab = bought();
    lab.node(0).faults.fail = 'refused';
    await lab.follower.poll();
    const sinceUnixMs = lab.time.clock.nowUnixMs();
    lab.time.advance(9000);
    expect((await lab.reader.entitlement(ref(1n), 'head')).head).toMatchObject({ known: false, sinceUnixMs });
  });

  it('leaves settled levels unknown where the node has no tags, with what to do, and still knows the head (C13)', async () => {
    const lab = bought({ faults: [{ noTags: true }] });
    const view = await lab.reader.entitlement(ref(1n), 'all-levels');
    expect(view.head.known).toBe(true);
    expect(view.finalized).toMatchObject({
      known: false,
      why: expect.stringContaining('`finalized` of this chain to a number of blocks'),
    });
  });

  it('counts blocks where the settings give a depth instead of a tag (C13)', async () => {
    const lab = bought({ faults: [{ noTags: true }], settings: { safe: { depth: 1 }, finalized: { depth: 3 } } });
    const view = await lab.reader.entitlement(ref(1n), 'all-levels');
    expect(view.safe).toMatchObject({ value: { atBlock: { number: 8n } } });
    expect(view.finalized).toMatchObject({ value: { atBlock: { number: 6n } } });
  });
});

describe('what must not shrink (C8)', () => {
  it('takes a smaller nextSubscriptionId for unknown at the settled levels, and alarms once', async () => {
    const lab = bought();
    await lab.reader.entitlement(ref(1n), 'all-levels');
    lab.node(0).faults.tamper = (method, _params, result) =>
      method === 'eth_call' ? String(result).replaceAll(`${'0'.repeat(63)}2`, `${'0'.repeat(63)}1`) : undefined;
    lab.mine();
    const views = [
      await lab.reader.entitlement(ref(1n), 'all-levels'),
      await lab.reader.entitlement(ref(1n), 'all-levels'),
    ];
    for (const view of views) {
      expect(view.head.known).toBe(true);
      expect(view.safe).toMatchObject({ known: false, why: expect.stringContaining('shrank from 2 to 1') });
      expect(view.finalized.known).toBe(false);
    }
    expect(lab.recorder.of('error').map(({ message }) => message)).toEqual([
      'nextSubscriptionId shrank; nothing is believed',
    ]);
  });

  it('takes a known id that vanished for unknown, and alarms once', async () => {
    const lab = bought();
    await lab.reader.entitlement(ref(1n), 'all-levels');
    const bare = createModelChain({ startUnix: START_UNIX, salt: 9000 });
    for (let n = 0; n < 12; n += 1) bare.mine();
    lab.replaceChain(bare);
    lab.keepTime();
    for (let times = 0; times < 2; times += 1) {
      const { finalized } = await lab.reader.entitlement(ref(1n), 'all-levels');
      expect(finalized).toMatchObject({ known: false });
    }
    const alarms = lab.recorder.of('error').map(({ message }) => message);
    expect(alarms.filter((message) => message === 'a subscription that existed is gone')).toHaveLength(1);
  });
});

describe('login and lists', () => {
  it('reads the owner of a token at head and safe (D25)', async () => {
    const lab = createChainLab();
    const [alice, bob] = ['0x00000000000000000000000000000000000000aa', '0x00000000000000000000000000000000000000bb'];
    lab.mine([{ kind: 'transfer', token: 3n, to: alice }]);
    for (let n = 0; n < 5; n += 1) lab.mine();
    lab.mine([{ kind: 'transfer', token: 3n, to: bob }]);
    const view = await lab.reader.login({ tokenId: 3n }, 'head');
    expect(view.head).toEqual({ known: true, value: bob });
    expect(view.safe).toEqual({ known: true, value: alice });
  });

  it("knows no owner of a token that does not exist, nor of the administrator's (D25)", async () => {
    const lab = bought();
    expect((await lab.reader.login({ tokenId: 9n }, 'head')).head).toMatchObject({ known: false });
    expect((await lab.reader.login({ tokenId: 0n }, 'head')).safe).toMatchObject({
      known: false,
      why: expect.stringContaining('administrator'),
    });
  });

  it('lists every subscription of every contract at the head (D13)', async () => {
    const lab = bought();
    lab.mine([
      { kind: 'buy', expiresAt: EXPIRY + 9n },
      { kind: 'cancel', id: 1n },
    ]);
    const list = await lab.reader.subscriptions();
    expect(list).toMatchObject({
      known: true,
      value: [
        { ref: ref(1n), cancelled: true },
        { ref: ref(2n), cancelled: false, expiresAtUnix: EXPIRY + 9n, owner: OWNER },
      ],
    });
    lab.node(0).faults.fail = 'refused';
    expect(await lab.reader.subscriptions()).toMatchObject({ known: false });
  });

  it('is unconfigured, synced and without refs when no chain is configured (D12)', async () => {
    const { createChain } = await import('../../../../src/drivers/chain/chain.ts');
    const lab = bought();
    const reader = createChain({ settings: [], clock: lab.time.clock, log: lab.recorder.log });
    expect(reader.configured).toBe(false);
    expect(reader.health().synced.known).toBe(true);
    expect(reader.refForName('blockhost-001')).toBeUndefined();
    expect(await reader.subscriptions()).toEqual({ known: true, value: [] });
  });

  it('binds a name only in the form in which it is written (D9)', () => {
    const { reader } = bought();
    expect(reader.refForName('blockhost-007')).toEqual(ref(7n));
    expect(reader.refForName('blockhost-1234')).toEqual(ref(1234n));
    for (const name of [
      'blockhost-7',
      'blockhost-0007',
      'blockhost-000',
      'blockhost-01a',
      'xblockhost-001',
      'blockhost-',
    ]) {
      expect(reader.refForName(name)).toBeUndefined();
    }
  });
});
