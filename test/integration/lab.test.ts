import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type AnvilLab, startAnvil } from '../lab/anvil.ts';
import { defineGuest, type Guest } from '../lab/guest.ts';
import { buildGuestImage } from '../lab/guest-image.ts';
import { jsonRpc } from '../lab/json-rpc.ts';
import { type LibvirtLab, startLibvirt } from '../lab/libvirt.ts';
import { descendants, isAlive, until } from '../lab/processes.ts';
import { repositoryPath } from '../lab/repository.ts';
import { startRpcProxy } from '../lab/rpc-proxy.ts';

/** Written to stderr so that a run leaves figures behind. */
function measured(what: string, ms: number): void {
  process.stderr.write(`  [lab] ${what}: ${Math.round(ms)} ms\n`);
}

async function temporaryDir(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'bh-'));
}

describe('the private libvirtd and its guests', () => {
  let dir: string;
  let lab: LibvirtLab;
  let guest: Guest;
  let deaf: Guest;

  beforeAll(async () => {
    dir = await temporaryDir();
    const startedMs = performance.now();
    await buildGuestImage();
    measured('guest image', performance.now() - startedMs);
    const launchedMs = performance.now();
    lab = await startLibvirt({ dir: join(dir, 'v') });
    measured('libvirtd answers and the recorder hears it', performance.now() - launchedMs);
    const folders = { storageDir: join(dir, 'storage'), cloudInitDir: join(dir, 'cloud-init') };
    const xml = "<bh:vm xmlns:bh='urn:lab' id='7'/>";
    guest = await defineGuest(lab, {
      ...folders,
      name: 'normal',
      metadata: { namespaceUri: 'urn:lab', prefix: 'bh', xml },
    });
    deaf = await defineGuest(lab, { ...folders, name: 'deaf', kind: 'deaf' });
    const bootMs = performance.now();
    await Promise.all([guest.start(), deaf.start()]);
    await Promise.all([guest.waitAgent(), deaf.waitAgent()]);
    measured('two guests at once, start to agent', performance.now() - bootMs);
  }, 180_000);

  afterAll(async () => {
    await lab?.stop();
    await rm(dir, { recursive: true, force: true });
  }, 60_000);

  it('gives a guest disk, cloud-init files, metadata and a link that can be set', async () => {
    expect([guest.disk, guest.cloudInitIso].map((path) => existsSync(path))).toEqual([true, true]);
    expect((await readdir(guest.cloudInitDir)).sort()).toEqual(['meta-data', 'normal-cloud-init.iso', 'user-data']);
    expect(await lab.virsh('metadata', 'normal', 'urn:lab')).toContain('id="7"');
    await lab.virsh('domif-setlink', 'normal', guest.mac, 'down');
    expect(await guest.linkState()).toBe('down');
    await lab.virsh('domif-setlink', 'normal', guest.mac, 'up');
    expect(await guest.linkState()).toBe('up');
  });

  it('powers a guest off at the ACPI button, and keeps its file and its GECOS over the restart', async () => {
    await guest.exec(['sh', '-c', 'cat >/data/note'], { input: 'kept' });
    await guest.setGecos('wallet=0xabc,nft=7');
    const before = await guest.bootId();
    await lab.virsh('shutdown', 'normal', '--mode', 'acpi');
    measured('ACPI shutdown', await guest.waitState('shut off'));
    await lab.waitEvent(({ domain, detail }) => domain === 'normal' && detail === 'Stopped Shutdown');
    const startedMs = performance.now();
    await guest.start();
    await guest.waitAgent();
    measured('one guest, start to agent', performance.now() - startedMs);
    expect(await guest.bootId()).not.toBe(before);
    expect((await guest.exec(['cat', '/data/note'])).stdout).toBe('kept');
    expect(await guest.gecos()).toBe('wallet=0xabc,nft=7');
  }, 60_000);

  it('keeps a guest that is deaf running through the ACPI button and the agent, until it is destroyed', async () => {
    await lab.virsh('shutdown', 'deaf', '--mode', 'acpi');
    // Not awaited: with an agent that says yes and does nothing, libvirt waits for a minute and more.
    const asked = lab.tryVirsh('shutdown', 'deaf', '--mode', 'agent');
    // The obedient one is off in a third of this time: nothing to wait for, so time itself is the condition.
    await expect(deaf.waitState('shut off', 3_000)).rejects.toThrow('timed out');
    expect((await readFile(deaf.serialLog, 'utf8')).match(/^lab: deaf to shutdown/gm)).toHaveLength(2);
    await lab.virsh('destroy', 'deaf', '--graceful');
    await asked;
    expect(await deaf.state()).toBe('shut off');
  }, 30_000);

  it('brings a saved guest back as it was, and tells a restore from a boot by its boot id', async () => {
    const before = await guest.bootId();
    const startedMs = performance.now();
    await lab.virsh('managedsave', 'normal');
    measured('managedsave', performance.now() - startedMs);
    expect(await guest.state()).toBe('shut off');
    await guest.start();
    await guest.waitAgent();
    expect(await guest.bootId()).toBe(before);
  }, 60_000);

  it('keeps guests over a restart of libvirtd and goes on recording', async () => {
    const pid = await lab.qemuPid('normal');
    const startedMs = performance.now();
    await lab.restart();
    measured('libvirtd restart', performance.now() - startedMs);
    expect(await lab.qemuPid('normal')).toBe(pid);
    expect(await guest.state()).toBe('running');
    const after = lab.events().length;
    await lab.virsh('suspend', 'normal');
    await lab.virsh('resume', 'normal');
    expect((await lab.waitEvent(({ detail }) => detail.startsWith('Resumed'), { after })).domain).toBe('normal');
  }, 30_000);

  it('records `Stopped Failed` when qemu is killed', async () => {
    const after = lab.events().length;
    await lab.kill9('normal');
    const event = await lab.waitEvent(({ event, detail }) => event === 'lifecycle' && detail.startsWith('Stopped'), {
      after,
    });
    expect([event.domain, event.detail]).toEqual(['normal', 'Stopped Failed']);
    expect(Math.abs(event.atMs - Date.now())).toBeLessThan(10_000);
  });

  it('lets the owner power off from inside, which libvirt tells from a crash', async () => {
    await guest.start();
    await guest.waitAgent();
    const after = lab.events().length;
    await guest.poweroffFromInside();
    await guest.waitState('shut off');
    const event = await lab.waitEvent(({ detail }) => detail.startsWith('Stopped'), { after });
    expect(event.detail).toBe('Stopped Shutdown');
    expect(await guest.exec(['true']).catch(() => 'off')).toBe('off');
  }, 60_000);

  it('says absent of a domain that is undefined', async () => {
    await lab.virsh('undefine', 'deaf', '--managed-save', '--snapshots-metadata', '--nvram');
    expect(await deaf.state()).toBe('absent');
  });
});

describe('what a laboratory leaves behind', () => {
  it('runs beside another one, and leaves no process and no file after stop()', async () => {
    const dir = await temporaryDir();
    onTestFinished(() => rm(dir, { recursive: true, force: true }));
    const [one, two] = await Promise.all([
      startLibvirt({ dir: join(dir, '1') }),
      startLibvirt({ dir: join(dir, '2') }),
    ]);
    const guest = await defineGuest(one, { name: 'x', kind: 'empty', storageDir: dir, cloudInitDir: dir });
    await guest.start();
    expect(await two.virsh('list', '--all', '--name')).toBe('');
    const pids = [one, two].flatMap(({ pid }) => [pid, ...descendants(pid).map((process) => process.pid)]);
    expect(pids.length).toBeGreaterThanOrEqual(7);
    const startedMs = performance.now();
    await Promise.all([one.stop(), two.stop()]);
    measured('stop of two laboratories', performance.now() - startedMs);
    expect(pids.filter(isAlive)).toEqual([]);
    expect((await readdir(dir)).sort()).toEqual(['x', 'x.qcow2']);
  }, 60_000);

  it('ends libvirtd and every guest when the process that started them is killed with -9', async () => {
    const dir = await temporaryDir();
    onTestFinished(() => rm(dir, { recursive: true, force: true }));
    const script = `import { startLibvirt } from '${repositoryPath('test/lab/libvirt.ts')}'; await startLibvirt({ dir: '${dir}/v' });`;
    const bundle = await import('esbuild').then(({ build }) =>
      build({
        stdin: { contents: script, resolveDir: repositoryPath(), loader: 'ts' },
        bundle: true,
        write: false,
        platform: 'node',
        format: 'esm',
        packages: 'external',
        define: { 'import.meta.url': JSON.stringify(import.meta.url) },
      }),
    );
    const parent = spawn(process.execPath, ['--input-type=module', '-'], {
      cwd: repositoryPath(),
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    parent.stdin.end(bundle.outputFiles[0]?.text ?? '');
    const pid = parent.pid ?? 0;
    await until('the laboratory is up', () => existsSync(join(dir, 'v/events.log')), { timeoutMs: 30_000 });
    const pids = descendants(pid).map((process) => process.pid);
    expect(pids.length).toBeGreaterThanOrEqual(4);
    parent.kill('SIGKILL');
    await until('its processes are gone', () => !pids.some(isAlive));
  }, 60_000);
});

describe('the chain', () => {
  let chain: AnvilLab;

  beforeAll(async () => {
    const startedMs = performance.now();
    chain = await startAnvil();
    await chain.deployBlockhost();
    measured('anvil and five contracts', performance.now() - startedMs);
  }, 60_000);

  afterAll(() => chain?.stop());

  it('sells, extends and cancels subscriptions by the wall clock', async () => {
    const [, owner = ''] = chain.accounts;
    const bought = await chain.buy(owner, 100);
    expect(bought.expiresAtUnix).toBe(BigInt(bought.timestampUnix) + 100n);
    expect(Math.abs(bought.timestampUnix - Date.now() / 1000)).toBeLessThan(4);
    expect((await chain.extend(bought.id, 50)).expiresAtUnix).toBe(bought.expiresAtUnix + 50n);
    const cancelled = await chain.cancel(bought.id);
    expect(await chain.subscription(bought.id)).toMatchObject({
      subscriber: owner,
      cancelled: true,
      isActive: false,
      expiresAtUnix: BigInt(cancelled.timestampUnix),
    });
    expect((await chain.subscription(99n)).subscriber).toBe(`0x${'0'.repeat(40)}`);
  }, 120_000);

  it('mints and transfers credentials; token 0 is the administrator’s', async () => {
    const [administrator, buyer = '', heir = ''] = chain.accounts;
    expect(await chain.ownerOf(0n)).toBe(administrator);
    const { tokenId } = await chain.mintNft(buyer);
    await chain.transferNft(tokenId, heir);
    expect(await chain.ownerOf(tokenId)).toBe(heir);
  }, 120_000);

  it('keeps safe one epoch and finalized two behind the head (C13)', async () => {
    await until('nine blocks', async () => (await chain.head()).number >= 9, { timeoutMs: 60_000 });
    const behind = async (tag: string): Promise<number> =>
      (await chain.head()).number - (await chain.block(tag)).number;
    expect([await behind('safe'), await behind('finalized')]).toEqual([4, 8]);
  }, 120_000);

  it('takes an extension back in a reorg, puts another in its place, and keeps to the wall clock after it', async () => {
    const [, owner = ''] = chain.accounts;
    const { id, expiresAtUnix } = await chain.buy(owner, 100);
    const extended = await chain.extend(id, 1000);
    const before = await chain.head();
    await chain.reorg(before.number - extended.blockNumber + 1, [
      { transaction: chain.transaction.extend(id, 7), block: 0 },
    ]);
    expect((await chain.subscription(id)).expiresAtUnix).toBe(expiresAtUnix + 7n);
    expect((await chain.block(extended.blockNumber)).hash).not.toBe(extended.blockHash);
    expect(await chain.rpc('eth_getTransactionReceipt', [extended.hash])).toBeNull();
    await until('a block of the new branch', async () => (await chain.head()).number > before.number);
    expect(Math.abs((await chain.head()).timestampUnix - Date.now() / 1000)).toBeLessThan(4);
  }, 120_000);

  it('has endpoints that fail in every way one asks of them', async () => {
    const proxy = await startRpcProxy(chain.url);
    onTestFinished(() => proxy.stop());
    const rpc = jsonRpc(proxy.url, 3_000);
    expect(await rpc('eth_chainId')).toBe('0x7a69');
    proxy.wrongChainId();
    expect(await rpc('eth_chainId')).toBe('0x1');
    proxy.nullResults();
    expect(await rpc('eth_blockNumber')).toBeNull();
    proxy.status(429);
    await expect(rpc('eth_blockNumber')).rejects.toThrow();
    proxy.garbage();
    await expect(rpc('eth_blockNumber')).rejects.toThrow('JSON');
    proxy.hang();
    await expect(rpc('eth_blockNumber')).rejects.toThrow('timeout');
    proxy.tamper((method, result) => (method === 'eth_blockNumber' ? '0x0' : result));
    expect(await rpc('eth_blockNumber')).toBe('0x0');
    await proxy.staleHead(3);
    const stale = Number(await rpc('eth_blockNumber'));
    await until('two more blocks', async () => (await chain.head()).number >= stale + 5);
    expect(Number(await rpc('eth_blockNumber'))).toBe(stale);
    expect(Number((await rpc<{ number: string }>('eth_getBlockByNumber', ['latest', false])).number)).toBe(stale);
    await proxy.down();
    await expect(rpc('eth_chainId')).rejects.toThrow();
    // A stranger has taken its port meanwhile, for a while.
    const stranger = createServer((_, response) => void response.writeHead(500).end());
    await once(stranger.listen(Number(new URL(proxy.url).port), '127.0.0.1'), 'listening');
    const up = proxy.up();
    await expect(rpc('eth_chainId')).rejects.toThrow();
    stranger.close();
    stranger.closeAllConnections();
    await up;
    expect(await rpc('eth_chainId')).toBe('0x7a69');
    expect(proxy.byMethod.eth_chainId).toBe(3);
  }, 120_000);
});
