import { Interface } from 'ethers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ChainSettings } from '../../src/domain/chain-settings.ts';
import { type Address, type SubscriptionRef, subscriptionKey } from '../../src/domain/identity.ts';
import { createChain } from '../../src/drivers/chain/chain.ts';
import { createFollower } from '../../src/drivers/chain/follower.ts';
import type { ChainFollower, ChainHint } from '../../src/ports/chain.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { type AnvilLab, startAnvil } from '../lab/anvil.ts';
import type { Deployed } from '../lab/blockhost-chain.ts';
import { type RpcProxy, startRpcProxy } from '../lab/rpc-proxy.ts';
import { createLogRecorder, createModelCursorStore, hinted } from '../unit/drivers/chain/support.ts';

const clock: Clock = {
  nowUnixMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    }),
};

const lower = (address: string): Address => address.toLowerCase() as Address;

let lab: AnvilLab;
let proxy: RpcProxy;
let deployed: Deployed;

const settingsOf = (overrides: Partial<ChainSettings> = {}): ChainSettings => ({
  chainId: lab.chainId,
  endpoints: [{ url: lab.url, webSocketUrl: lab.wsUrl }, { url: proxy.url }],
  contracts: [
    { kind: 'subscriptions', address: lower(deployed.subscriptions), namePrefix: 'blockhost-' },
    { kind: 'access-nft', address: lower(deployed.legacyNft), namePrefix: 'access-' },
    { kind: 'erc5643', address: lower(deployed.erc5643), namePrefix: 'sub-' },
  ],
  credentialNft: lower(deployed.nft),
  multicall: lower(deployed.multicall3),
  safe: 'tag',
  finalized: 'tag',
  pollEveryMs: 200,
  requestTimeoutMs: 3000,
  maxHeadAgeMs: 60_000,
  cursorBlocks: 128,
  ...overrides,
});

const start = (overrides: Partial<ChainSettings> = {}, store = createModelCursorStore()) => {
  const settings = settingsOf(overrides);
  const recorder = createLogRecorder();
  const reader = createChain({ settings: [settings], clock, log: recorder.log });
  const pool = reader.pool(settings.chainId);
  if (!pool) throw new Error('the chain has no pool');
  const follower = createFollower({ settings, cursorStore: store.store, clock, log: recorder.log, pool });
  return { reader, follower, recorder, store, settings };
};

const refOf = (subscriptionId: bigint, contract = deployed.subscriptions): SubscriptionRef => ({
  chainId: lab.chainId,
  contract: lower(contract),
  subscriptionId,
});

/** Polls until a condition on all hints so far holds. */
const until = async (follower: ChainFollower, done: (hints: readonly ChainHint[]) => boolean): Promise<ChainHint[]> => {
  const hints: ChainHint[] = [];
  await expect
    .poll(
      async () => {
        hints.push(...(await follower.poll()));
        return done(hints);
      },
      { timeout: 30_000, interval: 100 },
    )
    .toBe(true);
  return hints;
};

const finalizedPast = (block: number): Promise<void> =>
  vi
    .waitUntil(async () => (await lab.block('finalized')).number >= block, { timeout: 30_000, interval: 100 })
    .then(() => undefined);

/** anvil's pool loses some of many transactions (seen: 305 of 1,000): in waves, each sent again until it is mined. */
const sendAll = async (transaction: object, from: string, count: number): Promise<void> => {
  const mined = async (): Promise<number> => Number(await lab.rpc<string>('eth_getTransactionCount', [from, 'latest']));
  for (let done = await mined(); done < count; done = await mined()) {
    for (let nonce = done; nonce < Math.min(count, done + 100); nonce += 1) {
      const numbered = { ...transaction, nonce: `0x${nonce.toString(16)}`, gas: '0x7a120' };
      await lab.rpc('eth_sendTransaction', [numbered]).catch(() => undefined);
    }
    await lab.mine();
  }
};

beforeAll(async () => {
  lab = await startAnvil({ blockTimeSeconds: 1, slotsInAnEpoch: 1 });
  proxy = await startRpcProxy(lab.url);
  deployed = await lab.deployBlockhost();
  await finalizedPast((await lab.head()).number);
});

afterAll(async () => {
  await proxy?.stop();
  await lab?.stop();
});

describe('reader and follower against anvil', () => {
  it('reads what was bought, extended and cancelled, with a witness that agrees (C4, C5)', async () => {
    const { reader } = start();
    const owner = lab.accounts[1] ?? '';
    const bought = await lab.buy(owner, 1000);
    const extended = await lab.extend(bought.id, 500);
    await finalizedPast(extended.blockNumber);
    const view = await reader.entitlement(refOf(bought.id), 'with-witnesses');
    for (const fact of [view.head, view.safe, view.finalized]) {
      expect(fact).toMatchObject({
        known: true,
        value: { owner: lower(owner), expiresAtUnix: extended.expiresAtUnix, cancelled: false },
      });
    }
    expect(view.witnesses).toHaveLength(2);
    expect(view.witnesses.every(({ expiresAtUnix }) => expiresAtUnix === extended.expiresAtUnix)).toBe(true);

    const cancelled = await lab.cancel(bought.id);
    const after = await reader.entitlement(refOf(bought.id), 'all-levels');
    expect(after.head).toMatchObject({ value: { cancelled: true, expiresAtUnix: BigInt(cancelled.timestampUnix) } });
    expect((await reader.entitlement(refOf(999_999n), 'head')).head).toMatchObject({ known: false });
  });

  it('hints what happens, and follows a real reorg back and forth (C6)', async () => {
    const { follower, store } = start();
    const bought = await lab.buy(lab.accounts[2] ?? '', 1000);
    await until(follower, (hints) => hinted(hints).includes(`#${bought.id}`));
    const extended = await lab.extend(bought.id, 77);
    await until(follower, (hints) => hinted(hints).includes(`#${bought.id}`));
    await lab.reorg(1 + (await lab.head()).number - extended.blockNumber);
    const hints = await until(follower, (seen) => seen.some(({ kind }) => kind === 'reorg'));
    expect(hints.find(({ kind }) => kind === 'reorg')).toMatchObject({ suspects: [refOf(bought.id)] });
    const { reader } = start();
    expect((await reader.entitlement(refOf(bought.id), 'head')).head).toMatchObject({
      value: { expiresAtUnix: bought.expiresAtUnix },
    });
    await until(follower, (seen) => seen.some(({ kind }) => kind === 'advanced'));
    const ring = store.saved()?.ring ?? [];
    for (const { number, hash } of ring) expect((await lab.block(Number(number))).hash).toBe(hash);
  });

  it('reads tokens of the credential contract, and hints their transfers (D25)', async () => {
    const { reader, follower } = start();
    const { tokenId } = await lab.mintNft(lab.accounts[3] ?? '');
    const moved = await lab.transferNft(tokenId, lab.accounts[4] ?? '');
    await until(follower, (hints) => hinted(hints).includes(`token ${tokenId}`));
    await expect
      .poll(async () => (await lab.block('safe')).number, { timeout: 20_000 })
      .toBeGreaterThanOrEqual(moved.blockNumber);
    const view = await reader.login({ tokenId }, 'head');
    expect([view.head, view.safe]).toEqual([0, 1].map(() => ({ known: true, value: lower(lab.accounts[4] ?? '') })));
  });

  it('reads an expiry that is kept in the token itself, of either kind (D11)', async () => {
    const { reader, follower } = start();
    const tokens = new Interface([
      'function mint(address,bytes,string,string,string,string,uint256) returns (uint256)',
      'function updateExpiration(uint256,uint256)',
      'function cancelSubscription(uint256)',
    ]);
    const byDuration = new Interface(['function mint(address,uint64) returns (uint256)']);
    const [from = '', owner = ''] = lab.accounts;
    const send = (to: string, data: string, sender = from) => lab.send({ from: sender, to, data });
    await send(deployed.legacyNft, tokens.encodeFunctionData('mint', [owner, '0x12', 'message', '', '', '', 0]));
    await send(deployed.erc5643, byDuration.encodeFunctionData('mint', [owner, 600]));
    const legacy = refOf(0n, deployed.legacyNft);
    const standard = refOf(0n, deployed.erc5643);
    const head = async (ref: SubscriptionRef) => (await reader.entitlement(ref, 'head')).head;
    expect(await head(legacy)).toMatchObject({ value: { owner: lower(owner), expiresAtUnix: 253_402_300_799n } });
    expect(await head(standard)).toMatchObject({ known: true, value: { owner: lower(owner), cancelled: false } });
    await send(deployed.legacyNft, tokens.encodeFunctionData('updateExpiration', [0, 5_000_000_000]));
    await send(deployed.erc5643, tokens.encodeFunctionData('cancelSubscription', [0]), owner);
    expect(await head(legacy)).toMatchObject({ value: { expiresAtUnix: 5_000_000_000n, cancelled: false } });
    expect(await head(standard)).toMatchObject({ value: { expiresAtUnix: 0n, cancelled: true } });
    expect(await head(refOf(77n, deployed.erc5643))).toMatchObject({ known: false });
    const both = [legacy, standard].map(subscriptionKey);
    await until(follower, (hints) =>
      both.every((key) => hints.some((hint) => hint.kind === 'subscription' && subscriptionKey(hint.ref) === key)),
    );
    const list = await reader.subscriptions();
    expect(list.known && list.value.some(({ ref }) => subscriptionKey(ref) === both[0])).toBe(true);
  });

  it('does without multicall, by single calls at the pinned hash', async () => {
    const { reader } = start({ multicall: '0x00000000000000000000000000000000000000ff' });
    const bought = await lab.buy(lab.accounts[5] ?? '', 1000);
    const view = await reader.entitlement(refOf(bought.id), 'head');
    expect(view.head).toMatchObject({ value: { expiresAtUnix: bought.expiresAtUnix } });
  });

  it('is woken by a new block before its pause is over (C1)', async () => {
    const { follower } = start();
    const stop = new AbortController();
    await follower.nextLook(300, stop.signal);
    const startedMs = performance.now();
    await follower.nextLook(20_000, stop.signal);
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    stop.abort();
  });
});

describe('faults of a real endpoint', () => {
  it.each<readonly [string, () => void | Promise<void>]>([
    ['is down', () => proxy.down()],
    ['answers garbage', () => proxy.garbage()],
    ['answers 429', () => proxy.status(429)],
    ['answers null', () => proxy.nullResults()],
    ['has a stale head', () => proxy.staleHead(15)],
    ['is on another chain', () => proxy.wrongChainId()],
    ['never answers', () => proxy.hang()],
  ])('one that %s is unknown alone, and no witness beside another', async (_name, fault) => {
    const alone = start({ endpoints: [{ url: proxy.url }], requestTimeoutMs: 500, maxHeadAgeMs: 10_000 });
    const beside = start({ requestTimeoutMs: 500 });
    try {
      await fault();
      const view = await alone.reader.entitlement(refOf(1n), 'all-levels');
      expect([view.head.known, view.safe.known, view.finalized.known]).toEqual([false, false, false]);
      expect(await alone.follower.poll()).toMatchObject([{ kind: 'unknown' }]);
      const other = await beside.reader.entitlement(refOf(1n), 'with-witnesses');
      expect(other.finalized.known).toBe(true);
      expect(other.witnesses).toHaveLength(1);
    } finally {
      await proxy.up();
    }
    const after = await until(alone.follower, (hints) => hints.some(({ kind }) => kind === 'known-again'));
    expect(after.length).toBeGreaterThan(0);
  });

  it('one that lies about an expiry freezes the finalized level, naming both (C5)', async () => {
    const { reader, recorder } = start();
    const { finalized } = await reader.entitlement(refOf(1n), 'with-witnesses');
    const expiry = finalized.known ? finalized.value.expiresAtUnix.toString(16).padStart(64, '0') : 'none';
    try {
      proxy.tamper((method, result) =>
        method === 'eth_call' ? String(result).replaceAll(expiry, `${'0'.repeat(63)}1`) : result,
      );
      const view = await reader.entitlement(refOf(1n), 'with-witnesses');
      expect(view.finalized).toMatchObject({
        known: false,
        why: expect.stringMatching(/disagree: .*rpc#1 127.* rpc#2 127/),
      });
    } finally {
      await proxy.up();
    }
    expect(recorder.of('error')).toHaveLength(1);
  });
});

describe('speed', () => {
  it('one poll and 1,000 entitlements with witnesses', async () => {
    const { reader, follower } = start();
    await until(follower, (hints) => hints.some(({ kind }) => kind === 'advanced'));
    const buy = lab.transaction.buy(lab.accounts[7] ?? '', 100_000);
    await sendAll(buy, lab.accounts[7] ?? '', 1000);
    await until(follower, (hints) => hinted(hints).includes('#1000'));
    await finalizedPast((await lab.head()).number);
    const pollStartedMs = performance.now();
    await follower.poll();
    const pollMs = performance.now() - pollStartedMs;
    const readStartedMs = performance.now();
    const views = await Promise.all(
      Array.from({ length: 1000 }, (_, index) => reader.entitlement(refOf(BigInt(index + 1)), 'with-witnesses')),
    );
    const readMs = performance.now() - readStartedMs;
    console.info(`one poll ${pollMs.toFixed(0)} ms; 1,000 entitlements with witnesses ${readMs.toFixed(0)} ms`);
    expect(views.every(({ finalized, witnesses }) => finalized.known && witnesses.length === 2)).toBe(true);
    expect(pollMs).toBeLessThan(2000);
    expect(readMs).toBeLessThan(20_000);
  });
});

// Last, because it brings the chain's clock ahead of the wall's.
describe('downtime', () => {
  it('catches up after downtime and loses nothing', async () => {
    const { follower, store } = start();
    await until(follower, (hints) => hints.some(({ kind }) => kind === 'advanced'));
    const bought = await lab.buy(lab.accounts[6] ?? '', 1000);
    await lab.mine(200);
    const again = start({}, store);
    const hints = await until(again.follower, (seen) => hinted(seen).includes(`#${bought.id}`));
    expect(hints.some(({ kind }) => kind === 'unknown')).toBe(false);
  });
});
