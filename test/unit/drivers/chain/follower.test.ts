import { describe, expect, it } from 'vitest';
import { buy, createChainLab, extend, hinted, quiet, ref, started } from './support.ts';

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
