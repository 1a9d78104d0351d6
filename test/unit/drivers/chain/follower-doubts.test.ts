import { describe, expect, it } from 'vitest';
import type { ChainHint } from '../../../../src/ports/chain.ts';
import { createModelChain } from '../../../../src/simulator/models/model-chain.ts';
import { buy, createChainLab, extend, hinted, quiet, ref, START_UNIX, started } from './support.ts';

describe('a chain that is not the one that was followed (D23)', () => {
  const otherChain = (blocks: number, startUnix = START_UNIX) => {
    const other = createModelChain({ startUnix, salt: 50_000 });
    for (let n = 0; n < blocks; n += 1) other.mine();
    return other;
  };

  it.each([
    ['a devnet that began anew', 3],
    ['a reorg below the finalized block', 20],
  ])('%s is unknown, with one alarm that shows both hashes, until acknowledged', async (_name, blocks) => {
    const lab = await started();
    const before = lab.cursor.saved()?.finalized.hash;
    const nowUnix = BigInt(Math.floor(lab.time.clock.nowUnixMs() / 1000));
    lab.replaceChain(otherChain(blocks, blocks < 10 ? nowUnix : START_UNIX));
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

  it('does not take a node that merely lags behind the finalized block for another chain', async () => {
    const lab = await started({ finality: { safe: 0, finalized: 0 } });
    lab.node(0).faults.lag = 2;
    const hints: ChainHint[] = [];
    for (let n = 0; n < 5; n += 1) hints.push(...(await lab.follower.poll()));
    expect(hints).toMatchObject([{ kind: 'unknown', why: expect.stringContaining('seen before') }]);
    expect(lab.recorder.of('error')).toEqual([]);
    lab.node(0).faults.lag = 0;
    expect((await lab.follower.poll())[0]).toMatchObject({ kind: 'known-again' });
  });

  it('takes a head that stays below what was seen for another chain in the end', async () => {
    const lab = await started();
    lab.node(0).faults.lag = 2;
    for (let n = 0; n < 70; n += 1) {
      lab.mine([], lab.chain().head().timestamp + 10n);
      lab.node(0).faults.lag = 3 + n;
      lab.node(0).faults.tamper = (method, params, result) =>
        method === 'eth_getBlockByNumber' && params[0] === 'latest'
          ? { ...(result as object), timestamp: `0x${lab.chain().head().timestamp.toString(16)}` }
          : undefined;
      await lab.follower.poll();
    }
    expect(lab.recorder.of('error').map(({ fields }) => fields.rule)).toEqual(['D23']);
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
    const read = () => lab.reader.entitlement(ref(1n), 'all-levels');
    // Kindness goes on by what is read at the head; harm needs the older levels and waits.
    expect(await read()).toMatchObject({ head: { known: true }, safe: { known: false }, finalized: { known: false } });
    lab.node(0).faults.tamper = () => undefined;
    expect(hinted(await quiet(lab))).toEqual(['#1', '#2']);
    expect((await read()).safe.known).toBe(true);
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

  it('tells once that the chain is unknown, however long, and once that it is known again', async () => {
    const lab = await started();
    lab.node(0).faults.fail = 'refused';
    for (let n = 0; n < 5; n += 1) await lab.follower.poll();
    expect(lab.recorder.lines.filter(({ message }) => message.includes('chain is unknown'))).toHaveLength(1);
    delete lab.node(0).faults.fail;
    lab.time.advance(1000);
    for (let n = 0; n < 5; n += 1) await lab.follower.poll();
    expect(lab.recorder.lines.filter(({ message }) => message.includes('known again'))).toHaveLength(1);
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
