import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChainHint } from '../../../../src/ports/chain.ts';
import { buy, createChainLab, extend, hinted, quiet, ref, started } from './support.ts';

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
