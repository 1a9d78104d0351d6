import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChainHint } from '../../../../src/ports/chain.ts';
import { createModelChain, type ModelAction } from '../../../models/model-chain.ts';
import { createChainLab, hinted, ref, START_UNIX } from './support.ts';

const EXPIRY = START_UNIX + 500n;
const buy: ModelAction = { kind: 'buy', expiresAt: EXPIRY };
const extend = (id: bigint, by = 1n): ModelAction => ({ kind: 'extend', id, expiresAt: EXPIRY + by });

type Lab = ReturnType<typeof createChainLab>;

/** Polls until nothing new comes, as the daemon would over time. */
const quiet = async (lab: Pick<Lab, 'follower'>, polls = 40): Promise<ChainHint[]> => {
  const all: ChainHint[] = [];
  for (let n = 0; n < polls; n += 1) {
    const hints = await lab.follower.poll();
    all.push(...hints);
    if (hints.length === 0) break;
  }
  return all;
};

const started = async (options: Parameters<typeof createChainLab>[0] = {}) => {
  const lab = createChainLab(options);
  lab.mine([buy, buy, buy]);
  for (let n = 0; n < 8; n += 1) lab.mine();
  await quiet(lab);
  return lab;
};

describe('following a chain', () => {
  it('begins at the finalized block and hints what happened since', async () => {
    const lab = createChainLab();
    lab.mine([buy, buy]);
    for (let n = 0; n < 6; n += 1) lab.mine();
    lab.mine([extend(2n)]);
    const hints = await quiet(lab);
    expect(hinted(hints)).toEqual(['#2']);
    expect(hints.at(-1)).toEqual({ kind: 'advanced', head: 8n, safe: 6n, finalized: 4n });
    expect(lab.cursor.saved()).toMatchObject({
      chainId: 31337,
      finalized: { number: 4n },
      nextIds: { [ref(1n).contract]: '3' },
    });
  });

  it('hints each event once, in the order of the chain, with token transfers among them (C4)', async () => {
    const lab = await started();
    lab.mine([extend(2n), { kind: 'transfer', token: 4n, to: '0x00000000000000000000000000000000000000aa' }]);
    lab.mine([{ kind: 'cancel', id: 1n }]);
    const hints = await lab.follower.poll();
    expect(hinted(hints)).toEqual(['#2', 'token 4', '#1']);
    expect(hints[0]).toMatchObject({ what: 'subscription extended', block: 10n });
    expect(hinted(await lab.follower.poll())).toEqual([]);
  });

  it('saves the cursor together with what was derived, else only now and then (C2)', async () => {
    const lab = await started();
    const before = lab.cursor.saves();
    lab.mine();
    await lab.follower.poll();
    expect(lab.cursor.saves()).toBe(before);
    lab.mine([extend(3n)]);
    await lab.follower.poll();
    expect(lab.cursor.saves()).toBe(before + 1);
    expect(hinted(lab.cursor.derived()).at(-1)).toBe('#3');
    lab.mine([], lab.chain().head().timestamp + 61n);
    await lab.follower.poll();
    expect(lab.cursor.saves()).toBe(before + 2);
  });

  it('goes on when the cursor cannot be saved, says so once, and saves when there is room', async () => {
    const lab = await started();
    lab.cursor.store.failing = true;
    lab.mine([extend(1n)]);
    expect(hinted(await lab.follower.poll())).toEqual(['#1']);
    lab.mine([extend(2n)]);
    expect(hinted(await lab.follower.poll())).toEqual(['#2']);
    expect(lab.recorder.of('error')).toHaveLength(1);
    lab.cursor.store.failing = false;
    lab.mine();
    await lab.follower.poll();
    expect(lab.cursor.saved()?.ring.at(-1)?.number).toBe(12n);
  });

  it('catches up after downtime from the saved cursor, by ranges behind finality and in bounded work (C3)', async () => {
    const lab = await started();
    for (let n = 0; n < 3000; n += 1) lab.mine(n % 500 === 250 ? [extend(BigInt(n % 3) + 1n, BigInt(n))] : []);
    const { follower } = lab.restart();
    const requests = lab.node(0).requests();
    const first = await follower.poll();
    expect(lab.node(0).requests() - requests).toBeLessThan(200);
    const rest = await quiet({ follower });
    expect(hinted([...first, ...rest])).toHaveLength(6);
    expect(lab.cursor.saved()?.ring.at(-1)?.number).toBe(BigInt(lab.chain().head().number));
  });

  it('asks for smaller spans where the node refuses large ones (C3)', async () => {
    const lab = await started();
    for (let n = 0; n < 900; n += 1) lab.mine(n % 100 === 50 ? [extend(1n, BigInt(n))] : []);
    const spans: number[] = [];
    lab.node(0).faults.tamper = (method, params) => {
      const { fromBlock, toBlock } = (params[0] ?? {}) as { fromBlock?: string; toBlock?: string };
      if (method !== 'eth_getLogs' || fromBlock === undefined) return undefined;
      spans.push(Number(toBlock) - Number(fromBlock) + 1);
      if ((spans.at(-1) ?? 0) > 100)
        throw Object.assign(new Error('query returns more than 100 blocks'), { code: -32000 });
      return undefined;
    };
    const { follower } = lab.restart();
    expect(hinted(await quiet({ follower }))).toHaveLength(9);
    expect(Math.max(...spans)).toBeGreaterThan(100);
    expect(spans.filter((span) => span <= 100).length).toBeGreaterThan(3);
  });
});

describe('reorgs', () => {
  it('is told with depth, fork point and suspects, and the new branch is read (C6)', async () => {
    const lab = await started();
    lab.mine([extend(1n)]);
    lab.mine([{ kind: 'cancel', id: 2n }]);
    await lab.follower.poll();
    lab.reorg(2, [[], [extend(3n)], []]);
    const hints = await lab.follower.poll();
    expect(hints[0]).toEqual({ kind: 'reorg', depth: 2, from: 10n, suspects: [ref(1n), ref(2n)] });
    expect(hinted(hints)).toEqual(['#3']);
  });

  it('is seen when the new branch is exactly as high as the old one (C1)', async () => {
    const lab = await started();
    lab.mine([extend(1n)]);
    await lab.follower.poll();
    lab.reorg(1, [[extend(2n)]]);
    const hints = await lab.follower.poll();
    expect(hints[0]).toMatchObject({ kind: 'reorg', depth: 1, suspects: [ref(1n)] });
    expect(hinted(hints)).toEqual(['#2']);
  });

  it('hints a token whose transfer was taken back', async () => {
    const lab = await started();
    lab.mine([{ kind: 'transfer', token: 4n, to: '0x00000000000000000000000000000000000000aa' }]);
    await lab.follower.poll();
    lab.reorg(1, [[], []]);
    expect(hinted(await lab.follower.poll())).toEqual(['token 4']);
  });

  it('that happened while nobody looked is found from the saved cursor', async () => {
    const lab = await started();
    lab.mine([extend(1n)]);
    await lab.follower.poll();
    lab.reorg(2, [[extend(2n)], [], [extend(3n)]]);
    const { follower } = lab.restart();
    const hints = await quiet({ follower });
    expect(hints[0]).toMatchObject({ kind: 'reorg', depth: 2 });
    expect(hinted(hints)).toEqual(['#2', '#3']);
  });

  it('of any depth above finality, in any history: every touched id is hinted and the cursor is the canonical chain', async () => {
    const action = fc.oneof(
      fc.record({ kind: fc.constant('buy' as const), expiresAt: fc.bigInt({ min: 1n, max: 2n ** 40n }) }),
      fc.record({
        kind: fc.constant('extend' as const),
        id: fc.bigInt({ min: 1n, max: 4n }),
        expiresAt: fc.bigInt({ min: 1n, max: 2n ** 40n }),
      }),
      fc.record({ kind: fc.constant('cancel' as const), id: fc.bigInt({ min: 1n, max: 4n }) }),
    );
    const block = fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(action, { maxLength: 3 }) },
    );
    const event = fc.oneof(
      fc.record({ do: fc.constant('mine' as const), blocks: fc.array(block, { minLength: 1, maxLength: 20 }) }),
      fc.record({
        do: fc.constant('reorg' as const),
        depth: fc.integer({ min: 1, max: 64 }),
        blocks: fc.array(block, { minLength: 1, maxLength: 70 }),
      }),
      fc.constant({ do: 'poll' as const }),
      fc.constant({ do: 'restart' as const }),
      fc.record({ do: fc.constant('outage' as const), polls: fc.integer({ min: 1, max: 5 }) }),
    );
    const depths = new Set<number>();
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 3, maxLength: 14 }), async (events) => {
        const lab = createChainLab({ nodes: 2, finality: { safe: 32, finalized: 64 } });
        lab.mine([buy, buy, buy, buy]);
        for (let n = 0; n < 70; n += 1) lab.mine();
        let { follower } = lab;
        const beganAt = lab.chain().head().number - 64;
        const hints: ChainHint[] = [...(await quiet({ follower }))];
        for (const one of events) {
          if (one.do === 'mine') for (const actions of one.blocks) lab.mine(actions);
          if (one.do === 'reorg') {
            const settled = Number(lab.cursor.saved()?.finalized.number ?? 0n);
            const depth = Math.min(
              one.depth,
              lab.chain().head().number - Math.max(settled, lab.chain().head().number - 64),
            );
            const extra = Math.max(0, depth - one.blocks.length);
            depths.add(depth);
            lab.reorg(depth, [...one.blocks, ...Array.from({ length: extra }, () => [])]);
          }
          if (one.do === 'restart') follower = lab.restart().follower;
          if (one.do === 'outage') {
            lab.node(0).faults.fail = 'refused';
            lab.node(1).faults.fail = 'http-500';
            for (let n = 0; n < one.polls; n += 1) hints.push(...(await follower.poll()));
            lab.node(0).faults.fail = lab.node(1).faults.fail = undefined;
          }
          if (one.do === 'poll') hints.push(...(await follower.poll()));
        }
        lab.mine();
        hints.push(...(await quiet({ follower })));
        const touched = lab
          .chain()
          .canonical()
          .slice(beganAt + 1)
          .flatMap((found) => found.logs.flatMap(({ topics }) => `#${BigInt(topics[1] ?? 0)} @${found.number}`));
        const told = new Set(
          hints.flatMap((hint) => (hint.kind === 'subscription' ? `#${hint.ref.subscriptionId} @${hint.block}` : [])),
        );
        expect(touched.filter((key) => !told.has(key))).toEqual([]);
        lab.mine([extend(1n)]);
        await quiet({ follower });
        const ring = lab.cursor.saved()?.ring ?? [];
        expect(ring.at(-1)?.hash).toBe(lab.chain().head().hash);
        for (const { number, hash } of ring) expect(lab.chain().at(Number(number))?.hash).toBe(hash);
      }),
      { numRuns: 120 },
    );
    expect(depths.size).toBeGreaterThan(20);
  }, 60_000);
});

describe('a chain that is not the one that was followed (D23)', () => {
  const otherChain = (blocks: number) => {
    const other = createModelChain({ startUnix: START_UNIX, salt: 50_000 });
    for (let n = 0; n < blocks; n += 1) other.mine();
    return other;
  };

  it.each([
    ['a devnet that began anew', 3],
    ['a reorg below the finalized block', 20],
  ])('%s is unknown, with one alarm that shows both hashes, until acknowledged', async (_name, blocks) => {
    const lab = await started();
    const before = lab.cursor.saved()?.finalized.hash;
    lab.replaceChain(otherChain(blocks));
    lab.keepTime();
    const hints = [...(await lab.follower.poll()), ...(await lab.follower.poll()), ...(await lab.follower.poll())];
    expect(hints).toMatchObject([{ kind: 'unknown', why: expect.stringContaining(before ?? '?') }]);
    const alarms = lab.recorder.of('error').filter(({ fields }) => fields.rule === 'D23');
    expect(alarms).toHaveLength(1);
    const there = lab.chain().at(5)?.hash ?? lab.chain().head().hash;
    expect(String(alarms[0]?.fields.why)).toContain(there);
    expect((await lab.reader.entitlement(ref(1n), 'all-levels')).head).toMatchObject({ known: false });
    expect(lab.reader.health().synced.known).toBe(false);

    lab.time.advance(1000);
    lab.cursor.acknowledge(lab.time.clock.nowUnixMs());
    const after = await quiet(lab);
    expect(after[0]).toMatchObject({ kind: 'known-again' });
    expect(lab.cursor.saved()?.ring.at(-1)?.hash).toBe(lab.chain().head().hash);
    expect(lab.reader.health().synced.known).toBe(true);
    expect(hinted(await quiet(lab.restart()))).toEqual([]);
  });

  it('does not take the word of one endpoint that was reset while another still has our blocks', async () => {
    const lab = await started({ nodes: 2 });
    const bad = lab.node(0).requests;
    expect(bad()).toBeGreaterThan(0);
    lab.node(0).faults.tamper = (method, params, result) =>
      method === 'eth_getBlockByNumber' && params[0] !== 'latest'
        ? { ...(result as object), hash: `0x${'7'.repeat(64)}` }
        : undefined;
    lab.mine([extend(1n)]);
    const hints = await quiet(lab);
    expect(hinted(hints)).toEqual(['#1']);
    expect(hints.some(({ kind }) => kind === 'unknown')).toBe(false);
  });

  it('finds it after a restart, too', async () => {
    const lab = await started();
    lab.replaceChain(otherChain(30));
    lab.keepTime();
    expect(await lab.restart().follower.poll()).toMatchObject([{ kind: 'unknown' }]);
  });
});

describe('bad input', () => {
  it('tells unknown and known again once each, with how long it was', async () => {
    const lab = await started();
    lab.node(0).faults.fail = 'refused';
    const hints = [...(await lab.follower.poll()), ...(await lab.follower.poll())];
    expect(hints).toMatchObject([{ kind: 'unknown', why: expect.stringContaining('no connection') }]);
    lab.mine([extend(1n)], lab.chain().head().timestamp + 30n);
    lab.node(0).faults.fail = undefined;
    const after = await lab.follower.poll();
    expect(after[0]).toEqual({ kind: 'known-again', unknownForMs: 30_000 });
    expect(hinted(after)).toEqual(['#1']);
  });

  it('stops the cursor with one alarm at a log that does not decode, and goes on when it does (C3)', async () => {
    const lab = await started();
    const block = lab.mine([extend(1n)]);
    lab.mine([extend(2n)]);
    lab.node(0).faults.tamper = (method, params, result) =>
      method === 'eth_getLogs' && (params[0] as { blockHash?: string }).blockHash === block.hash
        ? (result as object[]).map((log) => ({ ...log, data: '0x1234' }))
        : undefined;
    const hints = [...(await lab.follower.poll()), ...(await lab.follower.poll())];
    expect(hints).toMatchObject([{ kind: 'unknown', why: expect.stringContaining(`in block ${block.number}`) }]);
    expect(lab.recorder.of('error').filter(({ fields }) => fields.rule === 'C3')).toHaveLength(1);
    expect(lab.reader.health().synced.known).toBe(false);
    lab.node(0).faults.tamper = () => undefined;
    expect(hinted(await quiet(lab))).toEqual(['#1', '#2']);
  });

  it('does not believe an empty answer that the bloom contradicts, while another endpoint has the logs (C8)', async () => {
    const lab = await started({ nodes: 2 });
    lab.node(0).faults.tamper = lab.node(1).faults.tamper = undefined as never;
    const empty = (method: string) => (method === 'eth_getLogs' ? [] : undefined);
    lab.node(0).faults.tamper = empty;
    lab.mine([extend(3n)]);
    expect(hinted(await quiet(lab))).toEqual(['#3']);
    expect(lab.recorder.of('warn').map(({ fields }) => fields.rule)).toContain('C8');
  });

  it('finds such logs in the receipts where there is one endpoint (C8)', async () => {
    const lab = await started();
    lab.node(0).faults.tamper = (method) => (method === 'eth_getLogs' ? [] : undefined);
    lab.mine([extend(3n)]);
    expect(hinted(await quiet(lab))).toEqual(['#3']);
  });

  it('waits with the cursor while such an answer is in doubt, but not for ever', async () => {
    const lab = await started({ faults: [{ noReceipts: true }] });
    lab.node(0).faults.tamper = (method) => (method === 'eth_getLogs' ? [] : undefined);
    lab.mine([extend(3n)]);
    lab.mine();
    const heads: bigint[] = [];
    for (let n = 0; n < 4; n += 1) {
      for (const hint of await lab.follower.poll()) if (hint.kind === 'advanced') heads.push(hint.head);
    }
    expect(heads.at(-1)).toBe(BigInt(lab.chain().head().number));
    expect(lab.node(0).requests('eth_getBlockReceipts')).toBe(3);
  });

  it('takes a shrinking nextSubscriptionId for unknown until acknowledged (C8, D23)', async () => {
    const lab = await started();
    lab.node(0).faults.tamper = (method, _params, result) =>
      method === 'eth_call' ? String(result).replaceAll(`${'0'.repeat(63)}4`, `${'0'.repeat(63)}2`) : undefined;
    lab.mine();
    expect(await lab.follower.poll()).toMatchObject([
      { kind: 'unknown', why: expect.stringContaining('shrank from 4 to 2') },
      { kind: 'advanced' },
    ]);
    expect(lab.recorder.of('error').filter(({ fields }) => fields.rule === 'C8')).toHaveLength(1);
    lab.time.advance(1000);
    lab.cursor.acknowledge(lab.time.clock.nowUnixMs());
    lab.mine();
    expect((await quiet(lab))[0]).toMatchObject({ kind: 'known-again' });
    expect(lab.cursor.saved()?.nextIds).toEqual({ [ref(1n).contract]: '2' });
  });

  it('says that it cannot look when the cursor cannot be read, and looks when it can', async () => {
    const lab = createChainLab();
    lab.mine([buy]);
    const load = lab.cursor.store.load;
    lab.cursor.store.load = async () => {
      throw new Error('EIO');
    };
    expect(await lab.follower.poll()).toMatchObject([{ kind: 'unknown', why: 'EIO' }]);
    lab.cursor.store.load = load;
    expect((await lab.follower.poll())[0]).toMatchObject({ kind: 'known-again' });
  });

  it('does not call a chain unknown for one look during which it moved', async () => {
    const lab = await started();
    lab.node(0).faults.lag = 1;
    expect(await lab.follower.poll()).toEqual([]);
    lab.node(0).faults.lag = 0;
    lab.mine();
    expect(await lab.follower.poll()).toMatchObject([{ kind: 'advanced' }]);
  });
});
