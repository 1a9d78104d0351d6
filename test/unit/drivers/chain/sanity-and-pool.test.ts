import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createChainLab, ref, START_UNIX } from './support.ts';

const EXPIRY = START_UNIX + 500n;

const bought = (options: Parameters<typeof createChainLab>[0] = {}) => {
  const lab = createChainLab(options);
  lab.mine([{ kind: 'buy', expiresAt: EXPIRY }]);
  for (let n = 0; n < 8; n += 1) lab.mine();
  return lab;
};

describe('a node has to be sane (C7)', () => {
  it('is not used on the wrong chain: one line with what was found, what is wanted and what to do', async () => {
    const lab = bought({ faults: [{ chainId: 5 }] });
    for (let times = 0; times < 3; times += 1) {
      expect((await lab.reader.entitlement(ref(1n), 'head')).head).toMatchObject({ known: false });
    }
    const lines = lab.recorder.of('error');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.fields).toMatchObject({
      endpoint: 'rpc#1 node0.example:8545',
      why: 'the node is on chain 5, chain 31337 is configured',
      todo: 'correct the RPC URL or the chain id in the configuration',
    });
    lab.node(0).faults.chainId = 6;
    await lab.reader.entitlement(ref(1n), 'head');
    expect(lab.recorder.of('error')).toHaveLength(2);
  });

  it('is not used without code at a contract', async () => {
    const lab = bought({ faults: [{ noCode: true }] });
    const { head } = await lab.reader.entitlement(ref(1n), 'head');
    expect(head).toMatchObject({ known: false, why: expect.stringContaining('there is no contract at 0x') });
    expect(lab.recorder.of('error')).toHaveLength(1);
  });

  it('is not used with an old head', async () => {
    const lab = bought();
    lab.time.advance(61_000);
    const { head } = await lab.reader.entitlement(ref(1n), 'head');
    expect(head).toMatchObject({ known: false, why: expect.stringContaining('is 61 s old, 60 s are allowed') });
  });

  it('is not used with a head below what was seen', async () => {
    const lab = bought();
    await lab.reader.entitlement(ref(1n), 'head');
    lab.node(0).faults.lag = 3;
    const { head } = await lab.reader.entitlement(ref(1n), 'head');
    expect(head).toMatchObject({ known: false, why: expect.stringContaining('below block 9, seen before') });
  });

  it.each([
    ['refuses connections', 'refused', 'no connection'],
    ['answers 500', 'http-500', 'HTTP 500'],
    ['answers 429', 'http-429', 'too many requests'],
  ] as const)('that %s leaves the fact unknown and says why', async (_name, fail, why) => {
    const lab = bought({ faults: [{ fail }] });
    const { head } = await lab.reader.entitlement(ref(1n), 'head');
    expect(head).toMatchObject({ known: false, why: expect.stringContaining(why) });
  });

  it('that never answers is given up after its deadline', async () => {
    const lab = bought({ faults: [{ fail: 'hang' }] });
    const reading = lab.reader.entitlement(ref(1n), 'head');
    await expect.poll(() => lab.time.sleeping()).toBeGreaterThan(0);
    lab.time.advance(5000);
    expect((await reading).head).toMatchObject({
      known: false,
      why: expect.stringContaining('no answer within 5000 ms'),
    });
  });

  it('shows no user, password, path or query of an endpoint (C12)', async () => {
    const lab = bought({ nodes: 2, faults: [{ fail: 'refused' }, { chainId: 4 }] });
    const { head } = await lab.reader.entitlement(ref(1n), 'with-witnesses');
    const text = JSON.stringify([head, lab.recorder.lines, lab.reader.health()], (_key, value) =>
      typeof value === 'bigint' ? value.toString() : value,
    );
    expect(text).not.toMatch(/secret|user|key\?|x=1/);
    expect(text).toContain('rpc#1 node0.example:8545');
  });
});

describe('the pool of endpoints (C12)', () => {
  it('uses the next endpoint when one fails, and one node for a whole decision', async () => {
    const lab = bought({ nodes: 2, faults: [{ fail: 'refused' }, {}] });
    const view = await lab.reader.entitlement(ref(1n), 'all-levels');
    expect([view.head.known, view.safe.known, view.finalized.known]).toEqual([true, true, true]);
    expect(lab.node(0).requests('eth_call')).toBe(0);
  });

  it('does not mix two nodes within a decision when the first fails half-way', async () => {
    const lab = bought({ nodes: 2 });
    lab.node(0).faults.tamper = (method, params) => (method === 'eth_call' && params[1] ? 12 : undefined);
    const view = await lab.reader.entitlement(ref(1n), 'all-levels');
    expect(view.finalized.known).toBe(true);
    expect(lab.node(1).requests('eth_call')).toBeGreaterThanOrEqual(3);
  });

  it('leaves an endpoint that asked for patience alone until it has cooled down', async () => {
    const lab = bought({ nodes: 2, faults: [{ fail: 'http-429' }, {}] });
    await lab.reader.entitlement(ref(1n), 'head');
    const asked = lab.node(0).requests();
    await lab.reader.entitlement(ref(1n), 'head');
    expect(lab.node(0).requests()).toBe(asked);
  });

  /** Answers truly, but for the number of its head. */
  const boasting = (by: number) => (method: string, params: readonly unknown[], result: unknown) =>
    method === 'eth_getBlockByNumber' && params[0] === 'latest'
      ? { ...(result as object), number: `0x${(Number((result as { number: string }).number) + by).toString(16)}` }
      : undefined;

  it.each([
    ['from the first look on', 0],
    ['after it was right for a while', 1],
  ])(
    'sets an endpoint aside that claims an absurd head %s, by name, and the other goes on serving (C7)',
    async (_, looks) => {
      for (const liar of [0, 1]) {
        const lab = bought({ nodes: 2 });
        for (let n = 0; n < looks; n += 1) await lab.reader.entitlement(ref(1n), 'with-witnesses');
        lab.node(liar).faults.tamper = boasting(1_000_000_000);
        for (let n = 0; n < 5; n += 1) {
          lab.time.advance(31_000);
          lab.mine([], START_UNIX + 40n * BigInt(n + 1));
          const view = await lab.reader.entitlement(ref(1n), 'with-witnesses');
          expect(view.head).toMatchObject({ known: true, value: { expiresAtUnix: EXPIRY } });
          expect(view.witnesses.map(({ endpoint }) => endpoint)).toEqual([
            `rpc#${2 - liar} node${1 - liar}.example:8545`,
          ]);
        }
        const told = lab.recorder.of('warn').filter(({ fields }) => fields.fault === 'ahead');
        expect(told.map(({ fields }) => fields.endpoint)).toEqual([`rpc#${liar + 1} node${liar}.example:8545`]);
        delete lab.node(liar).faults.tamper;
        lab.time.advance(61_000);
        lab.mine([], START_UNIX + 400n);
        expect((await lab.reader.entitlement(ref(1n), 'with-witnesses')).witnesses).toHaveLength(2);
      }
    },
  );

  it('believes a head that time explains', async () => {
    const lab = bought({ nodes: 2 });
    await lab.reader.entitlement(ref(1n), 'head');
    for (let n = 0; n < 3000; n += 1) lab.mine();
    expect((await lab.reader.entitlement(ref(1n), 'head')).head.known).toBe(true);
  });

  it('prefers the fresher endpoint once it has looked at all of them', async () => {
    const lab = bought({ nodes: 2, faults: [{ lag: 3 }, {}] });
    await lab.reader.entitlement(ref(1n), 'head');
    lab.time.advance(31_000);
    lab.mine([], START_UNIX + 40n);
    await lab.reader.entitlement(ref(1n), 'head');
    const before = lab.node(0).requests();
    await lab.reader.entitlement(ref(1n), 'head');
    expect(lab.node(0).requests()).toBe(before);
  });

  it('counts an endpoint that is configured twice once', async () => {
    const url = 'http://node0.example:8545/';
    const lab = bought({ settings: { endpoints: [{ url }, { url }] } });
    expect((await lab.reader.entitlement(ref(1n), 'with-witnesses')).endpointsConfigured).toBe(1);
  });

  it('is healthy after a look and says since when it is not', async () => {
    const lab = bought();
    expect(lab.reader.health().synced).toMatchObject({ known: false, why: 'no node has answered yet' });
    await lab.reader.entitlement(ref(1n), 'head');
    expect(lab.reader.health()).toMatchObject({
      synced: { known: true },
      head: { known: true, value: { number: 9n } },
    });
    lab.node(0).faults.fail = 'refused';
    await lab.reader.entitlement(ref(1n), 'head');
    expect(lab.reader.health()).toMatchObject({ synced: { known: false }, head: { known: false } });
  });
});

describe('witnesses of the finalized block (C5)', () => {
  it('are one read per endpoint, at the same block', async () => {
    const lab = bought({ nodes: 3 });
    const { witnesses, endpointsConfigured, finalized } = await lab.reader.entitlement(ref(1n), 'with-witnesses');
    expect(endpointsConfigured).toBe(3);
    expect(witnesses.map(({ endpoint }) => endpoint)).toEqual(
      [0, 1, 2].map((n) => `rpc#${n + 1} node${n}.example:8545`),
    );
    expect(new Set(witnesses.map(({ blockHash }) => blockHash)).size).toBe(1);
    expect(finalized).toMatchObject({ known: true, value: { atBlock: { hash: witnesses[0]?.blockHash } } });
  });

  it('are asked anew each time, whatever is cached', async () => {
    const lab = bought({ nodes: 2 });
    await lab.reader.entitlement(ref(1n), 'with-witnesses');
    const before = [lab.node(0), lab.node(1)].map((node) => node.requests('eth_call'));
    await lab.reader.entitlement(ref(1n), 'with-witnesses');
    const after = [lab.node(0), lab.node(1)].map((node) => node.requests('eth_call'));
    expect(after.every((count, index) => count > (before[index] ?? 0))).toBe(true);
  });

  it.each([
    ['is silent', { fail: 'refused' as const }],
    ['lags so far that it has not finalized the block', { lag: 3 }],
    ['has no finality tags', { noTags: true }],
    ['is on another chain', { chainId: 77 }],
  ])('leave out one that %s; the finalized fact stays known', async (_name, faults) => {
    const lab = bought({ nodes: 2, faults: [{}, faults] });
    const { witnesses, finalized } = await lab.reader.entitlement(ref(1n), 'with-witnesses');
    expect(finalized.known).toBe(true);
    expect(witnesses).toHaveLength(1);
  });

  it('freeze harm when one says another value, naming both, told once', async () => {
    const lab = bought({ nodes: 2 });
    const expiry = EXPIRY.toString(16).padStart(64, '0');
    const lie = (EXPIRY - 400n).toString(16).padStart(64, '0');
    lab.node(1).faults.tamper = (method, _params, result) =>
      method === 'eth_call' ? String(result).replaceAll(expiry, lie) : undefined;
    for (let times = 0; times < 3; times += 1) {
      const { finalized, head, safe } = await lab.reader.entitlement(ref(1n), 'with-witnesses');
      expect(finalized).toMatchObject({
        known: false,
        why: expect.stringMatching(/^endpoints disagree: .*rpc#1 .*rpc#2 /),
      });
      expect([head.known, safe.known]).toEqual([true, true]);
    }
    expect(lab.recorder.of('error')).toHaveLength(1);
    lab.node(1).faults.tamper = () => undefined;
    expect((await lab.reader.entitlement(ref(1n), 'with-witnesses')).finalized.known).toBe(true);
  });

  it('freeze harm when one has another block there, with both hashes', async () => {
    const lab = bought({ nodes: 2 });
    const other = `0x${'9'.repeat(64)}`;
    lab.node(1).faults.tamper = (method, params, result) =>
      method === 'eth_getBlockByNumber' && (params[0] === 'finalized' || params[0] === '0x5')
        ? { ...(result as object), hash: other }
        : undefined;
    const { finalized } = await lab.reader.entitlement(ref(1n), 'with-witnesses');
    expect(finalized).toMatchObject({ known: false, why: expect.stringContaining(other) });
    expect(finalized).toMatchObject({ why: expect.stringContaining(lab.chain().at(5)?.hash ?? '?') });
  });
});

describe('garbage (C7)', () => {
  const garbage = fc.oneof(
    fc.constantFrom<unknown>(null, '', '0x', '0xzz', 7, -1, true, [], {}, [null], 'not hex', `0x${'f'.repeat(70)}`),
    fc.string(),
    fc.jsonValue(),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => `0x${Buffer.from(bytes).toString('hex')}`),
  );

  it('of any kind in any answer is a known truth or unknown, never a throw and never an expiry that is not there', async () => {
    const methods = ['eth_chainId', 'eth_getCode', 'eth_getBlockByNumber', 'eth_call', 'any'];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...methods), garbage, fc.nat({ max: 6 }), async (method, answer, skip) => {
        let seen = 0;
        const lab = bought();
        lab.node(0).faults.tamper = (asked) => {
          if (method !== 'any' && asked !== method) return undefined;
          seen += 1;
          return seen > skip ? answer : undefined;
        };
        const view = await lab.reader.entitlement(ref(1n), 'with-witnesses');
        for (const fact of [view.head, view.safe, view.finalized]) {
          if (fact.known) expect(fact.value.expiresAtUnix).toBe(EXPIRY);
          else expect(fact.why).not.toBe('');
        }
        await expect(lab.reader.subscriptions()).resolves.toBeDefined();
        await expect(lab.follower.poll()).resolves.toBeDefined();
      }),
      { numRuns: 300 },
    );
  });
});
