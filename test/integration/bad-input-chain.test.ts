import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogLine } from '../demo/daemon-process.ts';
import { descendants, until } from '../lab/processes.ts';
import type { RpcProxy } from '../lab/rpc-proxy.ts';
import { type Bench, createSite, openBench, type Site } from './daemon-harness.ts';
import { cutLogs, type Endpoints, openEndpoints, SECRETS, shiftTimes } from './daemon-harness-chain.ts';
import { bootMachine, type Machine, textOf, untilPast, untilSuspended } from './daemon-harness-machine.ts';
import type { Market, Sale } from './daemon-harness-market.ts';

/** What is wrong with a chain, and what the daemon has to say about it. */
interface Case {
  readonly title: string;
  /** Where it is there before the daemon is. */
  readonly atStart?: true;
  breakIt(play: Play): Promise<void>;
  mend?(play: Play): Promise<void>;
  /** The line that says what is wrong and, where somebody can help, what to do. */
  readonly level: 'info' | 'warn' | 'error';
  readonly says: RegExp;
  /** What the decision gives as its reason, where the chain is not simply unknown. */
  readonly refusal?: string;
  readonly more?: Readonly<Record<string, unknown>>;
}

/** One case on the stage: a chain of its own, a contract, a machine. */
interface Play {
  readonly it: Case;
  readonly chainId: number;
  readonly endpoints: Endpoints;
  readonly market: Market;
  machine: Machine;
}

/** Written to stderr so that a run leaves behind what was said. */
const note = (text: string): void => void process.stderr.write(`  [bad input] ${text}\n`);

const onBoth =
  (fault: (proxy: RpcProxy) => Promise<void> | void) =>
  ({ endpoints }: Play): Promise<void> =>
    endpoints.all(fault);

let bench: Bench;

const CASES: readonly Case[] = [
  {
    title: 'the wrong chain id',
    breakIt: onBoth((proxy) => proxy.wrongChainId()),
    level: 'error',
    says: /the node is on chain 1, chain \d+ is configured.*correct the RPC URL or the chain id in the configuration/,
  },
  {
    title: 'answers that are garbage',
    breakIt: onBoth((proxy) => proxy.garbage()),
    level: 'warn',
    says: /"fault":"garbage","why":".*not JSON-RPC/,
  },
  {
    title: 'null for every answer',
    breakIt: onBoth((proxy) => proxy.nullResults()),
    level: 'warn',
    says: /"fault":"garbage","why":"the node has no latest block"/,
  },
  {
    title: 'HTTP 429',
    breakIt: onBoth((proxy) => proxy.status(429)),
    level: 'warn',
    says: /"fault":"rate-limited","why":".*too many requests/,
  },
  {
    title: 'a head that stands still',
    breakIt: onBoth((proxy) => proxy.staleHead(0)),
    level: 'warn',
    says: /its head \d+ is \d+ s old, 5 s are allowed.*check the node and this host's clock/,
    more: { max_head_age: '5s' },
  },
  {
    title: 'no answer, ever',
    breakIt: onBoth((proxy) => proxy.hang()),
    level: 'warn',
    says: /"fault":"timeout","why":".*no answer/,
  },
  {
    title: 'block times three hours behind (a wall clock three hours ahead)',
    breakIt: onBoth(shiftTimes(-3 * 3600)),
    level: 'warn',
    says: /its head \d+ is 10[78]\d\d s old, 120 s are allowed.*check the node and this host's clock/,
  },
  {
    title: 'block times three hours ahead (a wall clock three hours behind)',
    breakIt: onBoth(shiftTimes(3 * 3600)),
    level: 'warn',
    says: /far ahead of the wall clock; nothing harmful is done .*check this host's clock, then the node/,
    refusal: 'clocks-apart',
  },
  {
    title: 'a log that does not decode (C3)',
    breakIt: async ({ endpoints, market }) => {
      await endpoints.all(cutLogs);
      await market.buy(600);
    },
    level: 'error',
    says: /a log of our contract does not decode; the cursor stands .*it goes on once the log decodes/,
    refusal: 'facts-unknown',
  },
  {
    title: 'a subscription that nobody has heard of (C8)',
    atStart: true,
    breakIt: async () => undefined,
    mend: async ({ market }) => void (await market.buy(3)),
    level: 'info',
    says: /"because":"unknown: there is no subscription 1: its subscriber is zero"/,
  },
];
const NOT_SOLD = CASES.length - 1;
/** Time for so many machines to be made, and for the daemon to have seen them as paid, on a machine that has more to do. */
const PAID_SECONDS = 90;
const FAULT_BEFORE_MS = 15_000;
const FIRST_CHAIN = 9001;

describe('a chain with a fault across an expiry', () => {
  let site: Site;
  let plays: readonly Play[];
  const environments = new Map<string, string>();

  const said = (play: Play): LogLine[] =>
    site.daemon.log().filter((line) => {
      const { chainId, uuid } = line.fields;
      return chainId === play.chainId || uuid === play.machine.guest.uuid;
    });

  const rowsOf = (play: Play): unknown[] => said(play).map(({ fields }) => fields.row);

  /** argv and environment of everything that the daemon has started so far. */
  const lookAtChildren = (pid: number): void => {
    for (const child of [pid, ...descendants(pid).map((one) => one.pid)]) {
      try {
        const text = readFileSync(`/proc/${child}/environ`, 'utf8') + readFileSync(`/proc/${child}/cmdline`, 'utf8');
        if (child !== pid) environments.set(`${child}`, text);
        else environments.set('argv', readFileSync(`/proc/${child}/cmdline`, 'utf8'));
      } catch {
        // gone between listing and reading
      }
    }
  };

  beforeAll(async () => {
    bench = await openBench(CASES.length);
    const opened = await Promise.all(CASES.map((_, index) => openEndpoints(bench, FIRST_CHAIN + index)));
    const stage = CASES.map((it, index) => {
      const [endpoints, market] = [opened[index], bench.markets[index]];
      if (endpoints === undefined || market === undefined) throw new Error('not enough chains');
      return { it, chainId: FIRST_CHAIN + index, endpoints, market };
    });
    site = await createSite(bench, {
      name: 'chains',
      chains: stage.map(({ it, chainId, endpoints, market }, index) => ({
        ...{ chainId, endpoints: endpoints.urls, contract: market.address },
        ...(index === 0 ? {} : { namePrefix: `case-${String.fromCharCode(97 + index)}-` }),
        more: it.more ?? {},
      })),
      env: { RPC_URL: opened[0]?.urls[0] ?? '', DEPLOYER_PRIVATE_KEY: SECRETS.path },
    });
    const sales = await Promise.all(
      stage.map(({ market }, index): Promise<Sale> | Sale =>
        index === NOT_SOLD
          ? { id: 1n, expiresAtUnix: BigInt(Math.floor(Date.now() / 1000) + PAID_SECONDS) }
          : market.buy(PAID_SECONDS),
      ),
    );
    const list: Play[] = [];
    for (const [index, scene] of stage.entries()) {
      const sale = sales[index];
      if (sale === undefined) throw new Error('not sold');
      const { chainId, market } = scene;
      const options = { name: `blockhost-${700 + index}`, chainId, contract: market.address, sale };
      list.push({ ...scene, machine: await bootMachine(bench, site, { ...options, customer: market.customer }) });
    }
    plays = list;
    for (const play of plays.filter(({ it }) => it.atStart)) await play.it.breakIt(play);
    await site.daemon.start();
    const heard = (play: Play): boolean => rowsOf(play).includes('goes-on');
    await until('the daemon has seen all machines as paid', () => plays.every(heard));
    await until('the gate is open', () => site.daemon.log().some(({ msg }) => msg.startsWith('start-up gate open')));
    const firstMs = Math.min(...plays.map(({ machine }) => machine.expiresAtMs));
    await untilPast({ expiresAtMs: firstMs }, -FAULT_BEFORE_MS);
    await Promise.all(plays.filter(({ it }) => !it.atStart).map((play) => play.it.breakIt(play)));
    const restMs = firstMs - Date.now();
    note(`faults on, ${restMs} ms before the first expiry`);
    expect(restMs).toBeGreaterThan(0);
    for (const play of plays) {
      await untilPast(play.machine, 7_000);
      const { pid } = site.daemon;
      if (pid !== undefined) lookAtChildren(pid);
    }
  }, 240_000);

  afterAll(async () => bench?.cleaner.clean(), 60_000);

  it.each(CASES.map((one, index) => ({ ...one, index })))(
    '$title: one clear line, and no harm (L3)',
    async ({ index, says, level, refusal }) => {
      const play = plays[index];
      if (play === undefined) throw new Error('not played');
      expect(await play.machine.harm()).toEqual([]);
      const lines = said(play);
      const [loud, text] = [
        lines.filter((line) => line.level !== 'info'),
        lines.filter((line) => line.level === level),
      ];
      note(`${play.it.title}:\n${lines.map((line) => `      ${line.level} ${textOf(line)}`).join('\n')}`);
      expect(text.map(textOf).join('\n')).toMatch(says);
      expect(loud.length).toBeLessThanOrEqual(4);
      expect(
        rowsOf(play)
          .filter((row) => row !== undefined)
          .at(-1),
      ).toBe(refusal === undefined ? 'goes-on' : `expired-running/${refusal}`);
    },
  );

  it('has lived through all of it, and shows no secret of a URL to anybody (C12)', async () => {
    expect(site.daemon.pid).toBeDefined();
    const log = readFileSync(`${bench.directory}/chains.log`, 'utf8');
    expect(log.length).toBeGreaterThan(1000);
    expect(environments.size).toBeGreaterThan(3);
    for (const secret of Object.values(SECRETS)) {
      expect(log).not.toContain(secret);
      for (const text of environments.values()) expect(text).not.toContain(secret);
      for (const file of readdirSync(site.stateDir).filter((name) => name.endsWith('.ndjson'))) {
        expect(readFileSync(`${site.stateDir}/${file}`, 'utf8')).not.toContain(secret);
      }
    }
  });

  it('suspends each of them once its chain is mended', async () => {
    for (const play of plays) {
      await play.endpoints.all((proxy) => proxy.up());
      await play.it.mend?.(play);
    }
    const took = await Promise.all(
      plays.map(async ({ it, machine }) => ({ title: it.title, ms: await untilSuspended(machine) })),
    );
    for (const { title, ms } of took) note(`${title}: suspended ${ms} ms after it was mended`);
    expect(took).toHaveLength(CASES.length);
  });

  it('never touches a domain of somebody else, whatever its name (D8)', async () => {
    expect(await bench.stranger.faults()).toEqual([]);
  });
});
