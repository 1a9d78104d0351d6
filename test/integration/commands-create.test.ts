import { existsSync } from 'node:fs';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLedger } from '../demo/ledger.ts';
import { inside } from '../lab/guest.ts';
import { namespacesAllowed } from '../lab/libvirtd-process.ts';
import { until } from '../lab/processes.ts';
import { openRealHost, type RealHost } from './real-host.ts';

const SMALL = ['--memory', '256', '--disk', '1', '--username', 'customer'];

// Where namespaces are refused there is no bridge to build on.
describe.skipIf(!namespacesAllowed())('the whole life of a machine, by the executables that ship', () => {
  let host: RealHost;
  let wallet: string;
  let expiresAtUnix: bigint;
  const times: string[] = [];

  const run: RealHost['run'] = async (verb, ...argv) => {
    const done = await host.run(verb, ...argv);
    times.push(`${verb} ${argv.join(' ')}: ${done.tookMs} ms, exit ${done.exitCode}`);
    return done;
  };
  const create = (name: string, ...more: string[]) => run('create', name, '--owner-wallet', wallet, ...SMALL, ...more);
  const ledger = () => readLedger(host.at('var/lib/blockhost/vms.json'));
  const record = async (name: string) => (await ledger()).vms[name];
  const state = async (name: string): Promise<string> => {
    const { exitCode, stdout } = await host.libvirt.tryVirsh('domstate', '--domain', name);
    return exitCode === 0 ? stdout.trim() : 'absent';
  };
  const dateOf = (unix: bigint): string => new Date(Number(unix) * 1000).toISOString().replace('.000Z', '+00:00');

  beforeAll(async () => {
    host = await openRealHost();
    wallet = host.chain.accounts[1] ?? '';
    ({ expiresAtUnix } = await host.chain.buy(wallet, 7200));
  }, 120_000);
  afterAll(async () => {
    process.stderr.write(times.map((line) => `  [create] ${line}\n`).join(''));
    await host?.cleaner.clean();
  }, 60_000);

  it('without --apply says with which values, and changes nothing at all (D18)', async () => {
    const before = await host.portrait();
    const done = await create('blockhost-001', '--expiry-days', '30');
    expect(JSON.parse(done.out)).toEqual({
      status: 'ok',
      vm_name: 'blockhost-001',
      ip: '10.77.0.2',
      ipv6: 'fd77::3',
      vmid: 'blockhost-001',
      nft_token_id: 1,
      username: 'customer',
    });
    expect(done.exitCode).toBe(0);
    expect(done.err).toContain('nothing is changed without --apply');
    expect(done.err).toContain('bound to subscription 1');
    expect(await host.portrait()).toEqual(before);
  });

  it('names all that is missing at once, and makes nothing', async () => {
    const root = join(host.directory, 'bare');
    await mkdir(join(root, 'etc/blockhost'), { recursive: true });
    await writeFile(join(root, 'etc/blockhost/db.yaml'), 'storage_pool: none\nbridge: br-none\n');
    await writeFile(join(root, 'etc/blockhost/provisioner.yaml'), 'chains: []\n');
    const bare = { ...host.env, BLOCKHOST_ROOT: root };
    const argv = ['box', '--owner-wallet', wallet, '--cpu', '64', '--memory', '1000000', '--apply'];
    const done = await host.runIn(bare, 'create', ...argv);
    expect(done).toMatchObject({ exitCode: 1, out: '' });
    for (const what of ['no template', 'storage pool "none"', 'bridge br-none', 'no ip_pool', '64 CPUs', '1000000 MiB'])
      expect(done.err).toContain(what);
    expect(done.err.trim().split('\n')).toHaveLength(1);
    expect(existsSync(join(root, 'var/lib/blockhost/vms.json'))).toBe(false);
    expect(existsSync(join(root, 'var/lib/blockhost/provisioner/journal.ndjson'))).toBe(false);
  });

  it('makes a machine bound to its subscription, and says so in one line (contract §2, interop §1)', async () => {
    const done = await create('blockhost-001', '--expiry-days', '30', '--no-mint', '--apply');
    expect(done).toMatchObject({
      exitCode: 0,
      out: '{"status":"ok","vm_name":"blockhost-001","ip":"10.77.0.2","ipv6":"fd77::3","vmid":"blockhost-001","nft_token_id":1,"username":"customer"}\n',
    });
    expect(await state('blockhost-001')).toBe('running');
    expect(done.err).toMatch(/answers after \d+ s/);
    await inside(host.libvirt, 'blockhost-001').waitAgent();
    expect(await host.routes()).toEqual({ 'fd77::3/128': 'br0' });
  });

  it('writes its record as the other programs read it, with the expiry of the chain (interop §3)', async () => {
    const { vms, allocated_ips, allocated_ipv6, reserved_nft_tokens, next_vmid } = await ledger();
    const date = expect.stringMatching(/^2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00$/);
    const owner = wallet.toLowerCase();
    expect(vms['blockhost-001']).toEqual({
      vm_name: 'blockhost-001',
      vmid: 0,
      ip_address: '10.77.0.2',
      ipv6_address: 'fd77::3',
      expires_at: dateOf(expiresAtUnix),
      owner,
      wallet_address: owner,
      owner_wallet: owner,
      status: 'active',
      created_at: date,
      purpose: expect.any(String),
      username: 'customer',
      network_mode: expect.any(String),
      gecos_synced: true,
      nft_token_id: 1,
      nft_minted: false,
    });
    expect({ allocated_ips, allocated_ipv6, next_vmid }).toEqual({
      allocated_ips: ['10.77.0.2'],
      allocated_ipv6: ['fd77::3'],
      next_vmid: 100,
    });
    expect(reserved_nft_tokens).toEqual({
      '1': { vm_name: 'blockhost-001', status: 'reserved', reserved_at: date },
    });
  });

  it('defines it with its binding, its filter, its base and no autostart (D8)', async () => {
    const xml = await host.libvirt.virsh('dumpxml', 'blockhost-001', '--inactive');
    expect(xml).toContain(
      `contract="${host.deployed.subscriptions.toLowerCase()}"`.replaceAll('"', xml.includes("contract='") ? "'" : '"'),
    );
    expect(xml).toMatch(/subscriptionId=.1./);
    for (const part of [
      "<port isolated='yes'/>",
      "filter='blockhost-clean'",
      "name='org.qemu.guest_agent.0'",
      "<source bridge='br0'/>",
    ])
      expect(xml).toContain(part);
    expect(await host.libvirt.virsh('dominfo', 'blockhost-001')).toMatch(/Autostart:\s+disable/);
  });

  it('keeps the seed to itself, and gives qemu what it needs (interop §5)', async () => {
    const seeds = host.at('var/lib/blockhost/cloud-init/blockhost-001');
    const qemu = Number((await execa('id', ['-u', 'libvirt-qemu'])).stdout);
    const iso = join(seeds, 'blockhost-001-cloud-init.iso');
    expect((await readdir(seeds)).sort()).toEqual([
      'blockhost-001-cloud-init.iso',
      'meta-data',
      'network-config',
      'user-data',
      'vendor-data',
    ]);
    for (const name of ['user-data', 'meta-data', 'network-config', 'vendor-data'])
      expect((await stat(join(seeds, name))).mode & 0o777).toBe(0o600);
    expect(await stat(iso)).toMatchObject({ uid: qemu, mode: 0o100600 });
    expect(await stat(host.at('var/lib/blockhost/vms/blockhost-001.qcow2'))).toMatchObject({
      uid: qemu,
      mode: 0o100600,
    });
    const script =
      'while read -r m; do insmod /modules/$m.ko; done </modules/later; mkdir -p /run/seed && until [ -b /dev/sr0 ]; do sleep 0.1; done && mount -t iso9660 /dev/sr0 /run/seed && cat /run/seed/user-data /run/seed/meta-data /run/seed/network-config';
    const { out, exitCode } = await run('guest-exec', 'blockhost-001', script);
    expect(exitCode).toBe(0);
    expect(out).toContain(`wallet=${wallet.toLowerCase()},nft=1`);
    expect(out).toContain('10.77.0.2/24');
    expect(out).toMatch(/instance-id: [0-9a-f-]{36}/);
  });

  it('is known to status, list and metrics', async () => {
    expect(await run('status', 'blockhost-001')).toMatchObject({ exitCode: 0, out: 'active\n', err: '' });
    const created = new Date().toISOString().slice(0, 10);
    const listed = await run('list', '--format', 'json');
    expect(JSON.parse(listed.out)).toEqual([{ name: 'blockhost-001', status: 'active', ip: '10.77.0.2', created }]);
    const counted = await run('metrics', 'blockhost-001');
    expect(JSON.parse(counted.out)).toMatchObject({
      ...{ cpu_count: 1, memory_total_mb: 256, disk_total_mb: 1024 },
      ...{ guest_agent_responsive: true, state: 'running' },
    });
  });

  it('obeys update-gecos, throttle and guest-exec', async () => {
    expect(await run('update-gecos', 'blockhost-001', wallet, '--nft-id', '7')).toMatchObject({ exitCode: 0, out: '' });
    const passwd = await run('guest-exec', 'blockhost-001', 'getent', 'passwd', 'customer');
    expect(passwd.out).toContain(`:wallet=${wallet.toLowerCase()},nft=7:`);
    expect(await run('throttle', 'blockhost-001', '--iops-read', '100')).toMatchObject({
      exitCode: 0,
      out: 'read operations: 100/s\n',
    });
    expect(await host.libvirt.virsh('dumpxml', 'blockhost-001')).toContain('<read_iops_sec>100</read_iops_sec>');
  });

  it('is not made a second time while it lives, and nothing changes by asking', async () => {
    const before = await host.portrait();
    const again = await create('blockhost-001', '--no-mint', '--apply');
    expect(again).toMatchObject({ exitCode: 1, out: '' });
    expect(again.err).toContain('there already');
    // Its guest runs, and writes to its disk when it pleases.
    const ours = /\/provisioner\/locks|\/blockhost-001\.qcow2 /;
    const files = (lines: readonly string[]) => lines.filter((line) => !ours.test(line));
    expect(files(await host.portrait())).toEqual(files(before));
  });

  it('stops, starts with its limits, dies and is resumed', async () => {
    expect(await run('stop', 'blockhost-001')).toMatchObject({ exitCode: 0 });
    expect((await run('status', 'blockhost-001')).out).toBe('suspended\n');
    expect(await run('start', 'blockhost-001')).toMatchObject({ exitCode: 0 });
    expect(await host.libvirt.virsh('dumpxml', 'blockhost-001')).toContain('<read_iops_sec>100</read_iops_sec>');
    expect(await run('kill', 'blockhost-001')).toMatchObject({ exitCode: 0 });
    expect(await state('blockhost-001')).toBe('shut off');
    expect(await run('resume', 'blockhost-001')).toMatchObject({ exitCode: 0 });
    expect(await state('blockhost-001')).toBe('running');
  });

  it('is suspended by gc when it is over, and runs again when it is extended (D14, D15)', async () => {
    const sale = await host.chain.buy(wallet, 40); // it is made before that is over, on a busy machine as well
    expect(await create('blockhost-002', '--no-mint', '--apply')).toMatchObject({ exitCode: 0 });
    const due = async (): Promise<boolean> => (await run('gc')).out === 'Suspend: 1 candidate\nDestroy: 0 candidates\n';
    await until('both clocks are past it', due, { timeoutMs: 120_000, everyMs: 500 });
    expect(await state('blockhost-002')).toBe('running');
    expect(await run('gc', '--execute', '--suspend-only')).toMatchObject({
      exitCode: 0,
      out: 'Suspend: 1 candidate\n',
    });
    expect(await state('blockhost-002')).toBe('shut off');
    expect(await record('blockhost-002')).toMatchObject({ status: 'suspended', suspended_at: expect.any(String) });
    const longer = await host.chain.extend(sale.id, 7200);
    expect(await run('resume', 'blockhost-002')).toMatchObject({ exitCode: 0 });
    expect(await state('blockhost-002')).toBe('running');
    expect(await record('blockhost-002')).toMatchObject({ status: 'active', expires_at: dateOf(longer.expiresAtUnix) });
  });

  it('is destroyed with all that was its own, and can be made again under its name', async () => {
    const first = (await host.libvirt.virsh('domuuid', 'blockhost-001')).trim();
    expect(await run('destroy', 'blockhost-001')).toMatchObject({ exitCode: 0, out: 'blockhost-001 is destroyed\n' });
    expect((await run('status', 'blockhost-001')).out).toBe('destroyed\n');
    expect(await state('blockhost-001')).toBe('absent');
    for (const path of ['vms/blockhost-001.qcow2', 'cloud-init/blockhost-001'])
      expect(existsSync(host.at(`var/lib/blockhost/${path}`))).toBe(false);
    expect((await ledger()).allocated_ips).toEqual(['10.77.0.3']);
    expect(await record('blockhost-001')).toMatchObject({ status: 'destroyed', destroyed_at: expect.any(String) });
    expect(await host.routes()).toEqual({ 'fd77::4/128': 'br0' });
    const again = await create('blockhost-001', '--no-mint', '--apply');
    expect(again).toMatchObject({ exitCode: 0 });
    expect((await host.libvirt.virsh('domuuid', 'blockhost-001')).trim()).not.toBe(first);
    expect(await record('blockhost-001')).toMatchObject({ status: 'active', expires_at: dateOf(expiresAtUnix) });
    expect((await record('blockhost-001'))?.destroyed_at).toBeUndefined();
  });
});
