import { existsSync } from 'node:fs';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { encodeLine, hashLine } from '../../src/drivers/journal/journal-line.ts';
import { until } from '../lab/processes.ts';
import { type RpcProxy, startRpcProxy } from '../lab/rpc-proxy.ts';
import { type Bench, createSite, openBench, type Site, startInVain } from './daemon-harness.ts';
import { bootMachine, type Machine, textOf, untilPast, untilSuspended } from './daemon-harness-machine.ts';
import type { Market } from './daemon-harness-market.ts';

/** Of all files that a machine hangs on, one after the other is spoilt while its subscription is over. */
describe('a host with a spoilt file', () => {
  let bench: Bench;
  let site: Site;
  let machine: Machine;
  let market: Market;
  let proxies: readonly RpcProxy[];

  const linesFrom = (from: number) => site.daemon.log().slice(from);
  const refusesToStart = async () => {
    const refused = await startInVain(site.daemon);
    expect(refused.exitCode).toBe(1);
    expect(refused.lines).toBe(1);
    expect(await machine.harm()).toEqual([]);
    return refused.error;
  };

  beforeAll(async () => {
    bench = await openBench(1);
    const [only] = bench.markets;
    if (only === undefined) throw new Error('no market');
    market = only;
    proxies = await Promise.all([startRpcProxy(bench.chain.url), startRpcProxy(bench.chain.url)]);
    for (const proxy of proxies) bench.cleaner.defer('RPC proxy', () => proxy.stop());
    const endpoints = proxies.map(({ url }) => url);
    const chain = { chainId: bench.chain.chainId, endpoints, contract: market.address };
    site = await createSite(bench, { name: 'files', chains: [chain] });
    // Long enough for a guest to be defined and a daemon to start and look beside other files of tests.
    const sale = await market.buy(30);
    const hostile = {
      username: `root; $(touch ${site.root}/was-here) \u202e\u0000'"`,
      owner: `"><b>\`touch ${site.root}/was-here\`\n{"level":"fatal","msg":"forged"}`,
      purpose: { deep: [1, { er: 'x'.repeat(2000) }] },
    };
    const options = { name: 'blockhost-001', chainId: chain.chainId, contract: market.address, sale, record: hostile };
    machine = await bootMachine(bench, site, { ...options, customer: market.customer });
    await site.daemon.start();
    const adopted = (): boolean => site.daemon.log().some(({ fields }) => fields.row === 'goes-on');
    await until('the daemon knows the machine', adopted);
    expect(machine.expiresAtMs).toBeGreaterThan(Date.now());
    await site.daemon.stop();
    await untilPast(machine, 3_000);
  }, 180_000);

  afterAll(async () => bench?.cleaner.clean(), 60_000);

  it('refuses wrong types, unknown keys and missing values in one sentence each, all at once', async () => {
    const more = {
      grace: 'a fortnight',
      quarantine_hours: [1],
      grase: '7d',
      policy: { expiry_margin: true },
      sweep_every: null,
    };
    await writeFile(site.provisionerYaml, stringify({ ...parse(site.rightYaml), ...more }));
    const text = textOf(await refusesToStart());
    process.stderr.write(`  [bad input] ${text}\n`);
    expect(text).toContain('5 problems');
    expect(text).toMatch(/provisioner\.yaml: grace is \\"a fortnight\\"; wants /);
    expect(text).toMatch(/provisioner\.yaml: quarantine_hours is a list of 1; wants a whole number of hours/);
    expect(text).toMatch(/provisioner\.yaml: sweep_every is empty; wants /);
    expect(text).toMatch(/provisioner\.yaml: unknown key grase; did you mean grace\?/);
    expect(text).toMatch(/provisioner\.yaml: policy\.expiry_margin is true; wants /);
  });

  it('refuses a tab, with the line that it is in', async () => {
    await writeFile(site.provisionerYaml, `${site.rightYaml}breaker:\n\tsuspend:\n`);
    const text = textOf(await refusesToStart());
    process.stderr.write(`  [bad input] ${text}\n`);
    expect(text).toMatch(/provisioner\.yaml: line \d+, column \d+: a tab is used to indent/);
    await writeFile(site.provisionerYaml, site.rightYaml);
  });

  it('refuses a journal with a corrupt line in the middle, and leaves it as it is (L4)', async () => {
    const right = await readFile(site.journal);
    const lines = right.toString().split('\n');
    expect(lines.length).toBeGreaterThan(3);
    const spoilt = lines
      .map((line, index) => (index === 1 ? `${line.slice(0, 40)}#${line.slice(41)}` : line))
      .join('\n');
    await writeFile(site.journal, spoilt);
    const text = textOf(await refusesToStart());
    process.stderr.write(`  [bad input] ${text}\n`);
    expect(text).toMatch(/journal\.ndjson, line 2: .*stop the daemon, keep a copy, .*nothing was changed/);
    expect((await readFile(site.journal)).toString()).toBe(spoilt);
    await writeFile(site.journal, right);
  });

  it('refuses a journal that a newer version wrote, and leaves it as it is', async () => {
    const right = await readFile(site.journal);
    const last = right.toString().trimEnd().split('\n').at(-1) ?? '';
    const { seq } = JSON.parse(last) as { seq: number };
    const events = [{ kind: 'teleported', uuid: machine.guest.uuid }];
    const newer = encodeLine({ seq: seq + 1, at: new Date().toISOString(), prev: hashLine(Buffer.from(last)), events });
    await appendFile(site.journal, Buffer.concat([newer, Buffer.from('\n')]));
    const before = await readFile(site.journal);
    const text = textOf(await refusesToStart());
    process.stderr.write(`  [bad input] ${text}\n`);
    expect(text).toMatch(
      /journal\.ndjson, line \d+: .*a newer version wrote it: install that version again; nothing was changed/,
    );
    expect((await readFile(site.journal)).equals(before)).toBe(true);
    await writeFile(site.journal, right);
  });

  it('does not believe an endpoint on another chain, nor one without the contract (C7)', async () => {
    const [elsewhere, bare] = proxies;
    elsewhere?.wrongChainId();
    bare?.tamper((method, result) => (method === 'eth_getCode' ? '0x' : result));
    const from = site.daemon.log().length;
    await site.daemon.start();
    const errors = (): string[] =>
      linesFrom(from)
        .filter(({ level }) => level === 'error')
        .map(textOf);
    await until('both are said to be of no use', () => errors().length >= 2);
    await until('it has looked a few times more', () => (bare?.byMethod.eth_getCode ?? 0) > 4);
    process.stderr.write(`  [bad input] ${errors().join('\n')}\n`);
    expect(errors()).toHaveLength(2);
    expect(errors().join('\n')).toMatch(
      /the node is on chain 1, chain 31337 is configured.*correct the RPC URL or the chain id/,
    );
    expect(errors().join('\n')).toMatch(
      /there is no contract at 0x[0-9a-f]{40} on chain 31337.*correct the contract address/,
    );
    expect(await machine.harm()).toEqual([]);
    expect(await site.daemon.stop()).toBe(0);
    for (const proxy of proxies) await proxy.up();
  });

  it('starts with a torn last line; with records that are spoilt it harms nothing, overwrites nothing, and goes on (L6)', async () => {
    await appendFile(site.journal, '{"seq":9,"at":"20');
    const right = await readFile(site.vmsJson, 'utf8');
    const spoilt = `${right.slice(0, right.length / 2)}\u0000<<<<<<< HEAD`;
    await writeFile(site.vmsJson, spoilt);
    const from = site.daemon.log().length;
    await site.daemon.start();
    const words = (): string =>
      linesFrom(from)
        .filter(({ level }) => level !== 'info')
        .map(textOf)
        .join('\n');
    await until('the torn line is cut off', () => words().includes('cut a torn last line off the journal'));
    await until('it says that the records cannot be read', () => words().includes('vms.json'));
    process.stderr.write(`  [bad input] ${words()}\n`);
    expect(words()).toMatch(/vms\.json/);
    expect(words()).toMatch(/put a good copy in its place; it was left as it is, and we go on by ourselves then/);
    const waits = () => linesFrom(from).some(({ fields }) => fields.row === 'expired-running/boot-gate');
    await until('it has waited for the records for a while', waits);
    expect(await machine.harm({ records: false })).toEqual([]);
    expect(await readFile(site.vmsJson, 'utf8')).toBe(spoilt);
    await writeFile(site.vmsJson, right);
    await untilSuspended(machine);
    expect(site.daemon.pid).toBeDefined();
  });

  it('writes the record later when the records are spoilt while it runs', async () => {
    await market.extend(machine.id, 20);
    await until('the record says active', async () => (await machine.record())?.status === 'active');
    const right = await readFile(site.vmsJson, 'utf8');
    const spoilt = right.replace('"vms"', 'vms');
    await writeFile(site.vmsJson, spoilt);
    await machine.guest.waitState('running');
    await machine.guest.waitState('shut off', 60_000);
    expect(await readFile(site.vmsJson, 'utf8')).toBe(spoilt);
    await writeFile(site.vmsJson, right);
    await untilSuspended(machine);
  });

  it('refuses a second daemon beside the first (D4)', async () => {
    const refused = await startInVain(site.another());
    process.stderr.write(`  [bad input] ${textOf(refused.error)}\n`);
    expect(refused.exitCode).toBe(1);
    expect(textOf(refused.error)).toContain('another daemon is running');
    expect(site.daemon.pid).toBeDefined();
  });

  it('takes what a record says for text and nothing else', async () => {
    expect(existsSync(`${site.root}/was-here`)).toBe(false);
    expect(String((await machine.record())?.owner)).toContain('forged');
    expect(site.daemon.log().filter(({ msg }) => msg === 'forged')).toEqual([]);
    expect(await bench.stranger.faults()).toEqual([]);
  });
});
