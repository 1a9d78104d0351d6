import { existsSync } from 'node:fs';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../lab/processes.ts';
import { repositoryPath } from '../lab/repository.ts';
import { startRpcProxy } from '../lab/rpc-proxy.ts';
import { type Bench, createSite, openBench, type Site } from './daemon-harness.ts';
import { bootMachine, type Machine, type MachineOptions, untilPast } from './daemon-harness-machine.ts';
import type { Market } from './daemon-harness-market.ts';

interface Ran {
  readonly exitCode: number | undefined;
  readonly out: readonly string[];
  readonly err: string;
  readonly tookMs: number;
}

/** The executables that ship, as processes, on real guests: first without a daemon, then beside one. */
describe("commands about a machine's power", () => {
  let bench: Bench;
  let site: Site;
  let market: Market;
  let chainId: number;
  let owner: Machine;
  let short: Machine;
  let doomed: Machine;
  let python: Machine;
  let deafStop: Promise<Ran>;
  const times: string[] = [];

  const run = async (verb: string, ...args: readonly string[]): Promise<Ran> => {
    const program = repositoryPath(`dist/bin/blockhost-vm-${verb}.mjs`);
    const startedMs = performance.now();
    const done = await execa(process.execPath, [program, ...args], { env: site.env, reject: false, timeout: 120_000 });
    const tookMs = Math.round(performance.now() - startedMs);
    times.push(`${verb} ${args.join(' ')}: ${tookMs} ms, exit ${done.exitCode}`);
    return { exitCode: done.exitCode, out: done.stdout.split('\n'), err: done.stderr, tookMs };
  };
  const boot = async (seconds: number, more: Partial<MachineOptions> = {}): Promise<Machine> => {
    const sale = await market.buy(seconds);
    const name = `blockhost-${String(sale.id).padStart(3, '0')}`;
    const common = { name, chainId, contract: market.address, sale, customer: market.customer };
    return bootMachine(bench, site, { ...common, ...more });
  };
  const journal = (): Promise<string> => readFile(site.journal, 'utf8');
  const decided = (machine: Machine, row: string, from: number): boolean =>
    site.daemon
      .log()
      .slice(from)
      .some(({ fields }) => fields.vm === machine.name && String(fields.row).startsWith(row));

  beforeAll(async () => {
    bench = await openBench(1);
    const [only] = bench.markets;
    if (only === undefined) throw new Error('no market');
    market = only;
    chainId = bench.chain.chainId;
    const proxies = await Promise.all([startRpcProxy(bench.chain.url), startRpcProxy(bench.chain.url)]);
    for (const proxy of proxies) bench.cleaner.defer('RPC proxy', () => proxy.stop());
    const endpoints = proxies.map(({ url }) => url);
    site = await createSite(bench, { name: 'power', chains: [{ chainId, endpoints, contract: market.address }] });
    owner = await boot(7200, { kind: 'normal' });
    const deaf = await boot(7200);
    deafStop = run('stop', deaf.name);
    [short, doomed] = [await boot(20), await boot(20)];
    python = await boot(7200, { withoutMetadata: true });
    await owner.guest.waitAgent(90_000);
  }, 240_000);

  afterAll(async () => {
    process.stderr.write(times.map((line) => `  [power] ${line}\n`).join(''));
    await bench?.cleaner.clean();
  }, 60_000);

  it('stop shuts a guest down, which is not suspended by it (D16)', async () => {
    const done = await run('stop', owner.name);
    expect(done).toMatchObject({ exitCode: 0, err: '' });
    expect(done.out.at(-1)).toBe(`${owner.name} is off`);
    expect(await owner.guest.state()).toBe('shut off');
    expect(await owner.record()).toMatchObject({ status: 'active' });
    expect((await run('status', owner.name)).out).toEqual(['suspended']);
    const listed = JSON.parse((await run('list', '--format=json')).out[0] ?? '');
    expect(listed).toContainEqual({
      name: owner.name,
      status: 'active',
      ip: expect.stringMatching(/^192\.168\.122\.\d+$/),
      created: new Date().toISOString().slice(0, 10),
    });
  });

  it('start turns it on again, and is no error when it runs', async () => {
    expect(await run('start', owner.name)).toMatchObject({ exitCode: 0, out: [`${owner.name} is started`], err: '' });
    expect(await owner.guest.state()).toBe('running');
    expect(await run('start', owner.name)).toMatchObject({ exitCode: 0, out: [`${owner.name} is running`] });
    expect((await run('status', owner.name)).out).toEqual(['active']);
  });

  it('kill takes the power of a machine of Python’s, which is adopted by it (D10)', async () => {
    expect(await run('kill', python.name)).toMatchObject({ exitCode: 0, out: [`${python.name}: power taken`] });
    expect(await python.guest.state()).toBe('shut off');
    expect(await journal()).toMatch(/machine-known.*record and chain/);
    expect((await run('resume', python.name)).exitCode).toBe(0);
    expect(await python.guest.state()).toBe('running');
  });

  it('never touches what is not ours (D8)', async () => {
    const guest = `--all 'x' "y": $(touch strange-was-here) \`id\` ; & <a> %s ü 名 🦆`;
    for (const verb of ['start', 'stop', 'kill', 'destroy', 'resume']) {
      const done = await run(verb, '--', guest);
      expect(done.exitCode).toBe(1);
      expect(done.err).toContain('is not ours and is not touched');
      expect(done.err.trim().split('\n')).toHaveLength(1);
    }
    expect(await bench.stranger.faults()).toEqual([]);
  });

  it('gc tells, then suspends what is over, and only that (D14)', async () => {
    await untilPast(doomed, 4_000);
    const told = await run('gc');
    expect(told).toMatchObject({ exitCode: 0, out: ['Suspend: 2 candidates', 'Destroy: 0 candidates'] });
    expect(await short.guest.state()).toBe('running');
    const done = await run('gc', '--execute');
    expect(done).toMatchObject({ exitCode: 0, out: ['Suspend: 2 candidates', 'Destroy: 0 candidates'] });
    expect(await short.guest.state()).toBe('shut off');
    expect(await doomed.guest.state()).toBe('shut off');
    expect(await short.record()).toMatchObject({ status: 'suspended' });
    expect(await owner.guest.state()).toBe('running');
  });

  it('resume starts it when it was extended, with exactly the expiry of the chain (D15)', async () => {
    await market.extend(short.id, 3600);
    const done = await run('resume', short.name);
    expect(done).toMatchObject({ exitCode: 0, err: '' });
    expect(await short.guest.state()).toBe('running');
    const record = await short.record();
    expect(record?.status).toBe('active');
    expect(Date.parse(record?.expires_at ?? '')).toBeGreaterThan(Date.now() + 3500_000);
    expect(record?.suspended_at ?? undefined).toBeUndefined();
  });

  it('gc destroys what was suspended before and is past its grace, with two witnesses, into quarantine (C5, D21)', async () => {
    const argv = ['--destroy-only', '--grace-days', '0'];
    const isDue = async (): Promise<boolean> => (await run('gc', ...argv)).out[0] === 'Destroy: 1 candidate';
    await until('both clocks are past its suspension', isDue, { timeoutMs: 60_000, everyMs: 500 });
    expect(await doomed.guest.state()).toBe('shut off');
    expect(await run('gc', '--execute', ...argv)).toMatchObject({ exitCode: 0, out: ['Destroy: 1 candidate'] });
    expect(await doomed.guest.state()).toBe('absent');
    expect(existsSync(doomed.guest.disk)).toBe(false);
    expect(await doomed.record()).toMatchObject({ status: 'destroyed' });
    expect(await short.guest.state()).toBe('running');
    const back = await run('resume', doomed.name, '--extend-days', '1');
    expect(back).toMatchObject({ exitCode: 0, err: '' });
    expect(await doomed.guest.state()).toBe('running');
    expect(existsSync(doomed.guest.disk)).toBe(true);
  });

  it('stop gives up on a deaf guest before its caller does; kill helps (contract: 60 s)', async () => {
    const gaveUp = await deafStop;
    expect(gaveUp.exitCode).toBe(1);
    expect(gaveUp.err).toMatch(/asked \d+ times to shut down and is still on; .*blockhost-vm-kill/);
    const [, name = ''] = /blockhost-vm-kill (\S+)/.exec(gaveUp.err) ?? [];
    expect((await run('kill', name)).exitCode).toBe(0);
  });

  it('status answers "unknown" whatever is wrong, and list lists nothing, both with exit 0 (D4)', async () => {
    for (const args of [[], ['a', 'b'], ['--bogus'], [''], ['nobody']]) {
      expect(await run('status', ...args)).toMatchObject({ exitCode: 0, out: ['unknown'] });
    }
    await writeFile(site.provisionerYaml, 'grace: a fortnight\n');
    expect(await run('status', owner.name)).toMatchObject({ exitCode: 0, out: ['unknown'] });
    expect(await run('list', '--json')).toMatchObject({ exitCode: 0, out: ['[]'] });
    expect((await run('start', owner.name)).exitCode).toBe(1);
    await writeFile(site.provisionerYaml, site.rightYaml);
  });

  it('is understood by a daemon that starts later: what was stopped stays off', async () => {
    expect((await run('kill', owner.name)).exitCode).toBe(0);
    await site.daemon.start();
    await until('the daemon leaves it off', () => decided(owner, 'stays-off', 0), { timeoutMs: 60_000 });
    expect(await owner.guest.state()).toBe('shut off');
  });

  it('start and stop beside a daemon that looks all the time: the word counts (D16, D26)', async () => {
    expect((await run('start', owner.name)).exitCode).toBe(0);
    await owner.guest.waitAgent(90_000);
    const nudging = setInterval(() => site.daemon.nudge(), 100);
    const done = await run('stop', owner.name);
    const from = site.daemon.log().length;
    await until('the daemon looks on', () => site.daemon.log().length > from || decided(owner, 'stays-off', 0));
    clearInterval(nudging);
    expect(done).toMatchObject({ exitCode: 0, err: '' });
    expect(await owner.guest.state()).toBe('shut off');
    expect((await run('resume', owner.name)).exitCode).toBe(0);
    expect(await owner.guest.state()).toBe('running');
  });

  it('resume beside a daemon that is suspending the very machine: it runs in the end (C5)', async () => {
    const late = await boot(12);
    const from = site.daemon.log().length;
    const begun = (): boolean =>
      site.daemon
        .log()
        .slice(from)
        .some(({ fields }) => fields.vm === late.name && fields.step === 'request-shutdown');
    await until('its suspension begins', begun, { timeoutMs: 60_000, everyMs: 20 });
    await market.extend(late.id, 3600);
    const done = await run('resume', late.name);
    expect(done.exitCode).toBe(0);
    const active = async (): Promise<boolean> =>
      (await late.guest.state()) === 'running' && (await late.record())?.status === 'active';
    await until('it runs and its record says so', active, { timeoutMs: 60_000 });
  });

  it('destroy while a payment comes: gone, with all that is its own and nothing else (D14)', async () => {
    const [done] = await Promise.all([run('destroy', short.name), market.extend(short.id, 3600)]);
    expect(done).toMatchObject({ exitCode: 0, out: [`${short.name} is destroyed`], err: '' });
    expect(await short.guest.state()).toBe('absent');
    expect(existsSync(short.guest.disk)).toBe(false);
    expect(existsSync(short.guest.cloudInitDir)).toBe(false);
    expect(await short.record()).toMatchObject({ status: 'destroyed' });
    expect((await run('status', short.name)).out).toEqual(['destroyed']);
    expect(await run('destroy', short.name)).toMatchObject({
      exitCode: 0,
      out: [`${short.name} is destroyed already`],
    });
    expect((await run('resume', short.name)).err).toBe(`blockhost-vm-resume: ${short.name} was destroyed`);
    const paidButGone = (): boolean => decided(short, 'paid-but-gone', 0);
    await until('the payment is told', paidButGone, { timeoutMs: 60_000 });
    expect(await python.guest.state()).toBe('running');
    expect(existsSync(python.guest.disk)).toBe(true);
    expect(await bench.stranger.faults()).toEqual([]);
  });

  it('hold refuses all of them, with who and until when (L11)', async () => {
    const word = ['hold', owner.name, '--for', '10m', '--reason', 'ticket'];
    await execa(process.execPath, [repositoryPath('dist/bin/blockhost-provisioner.mjs'), ...word], { env: site.env });
    for (const verb of ['stop', 'kill', 'destroy', 'start']) {
      const done = await run(verb, owner.name);
      expect(done.exitCode).toBe(1);
      expect(done.err).toMatch(/is held by .* until 20.*Z: ticket/);
    }
    expect(await owner.guest.state()).toBe('running');
  });

  it('acts on ./mock-db.json alone with --mock', async () => {
    const cwd = await mkdtemp(join(bench.directory, 'mock-'));
    const past = '2026-01-01T00:00:00+00:00';
    const record = { vm_name: 'm', status: 'active', expires_at: past, ip_address: '10.0.0.2', owner: '0x1' };
    const file = join(cwd, 'mock-db.json');
    await writeFile(file, JSON.stringify({ vms: { m: record }, next_vmid: 1, allocated_ips: ['10.0.0.2'] }));
    const mock = async (verb: string, ...args: string[]) => {
      const program = repositoryPath(`dist/bin/blockhost-vm-${verb}.mjs`);
      const env = { BLOCKHOST_ROOT: join(cwd, 'nowhere'), LIBVIRT_DEFAULT_URI: 'test:///nowhere' };
      const { stdout } = await execa(process.execPath, [program, ...args, '--mock'], { cwd, env });
      return { out: stdout.split('\n'), record: JSON.parse(await readFile(file, 'utf8')).vms.m };
    };
    expect(await mock('gc')).toMatchObject({ out: ['Suspend: 1 candidate', 'Destroy: 0 candidates'], record });
    expect((await mock('gc', '--execute')).record).toMatchObject({ status: 'suspended' });
    expect((await mock('resume', 'm', '--extend-days', '3')).record).toMatchObject({ status: 'active' });
    expect(existsSync(join(cwd, 'nowhere'))).toBe(false);
  });
});
