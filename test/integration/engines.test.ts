import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createDaemonProcess } from '../demo/daemon-process.ts';
import { type Cleaner, createCleaner } from '../demo/laboratory.ts';
import { startAnvil } from '../lab/anvil.ts';
import { inside } from '../lab/guest.ts';
import { startLibvirt } from '../lab/libvirt.ts';
import { namespacesAllowed } from '../lab/libvirtd-process.ts';
import { until } from '../lab/processes.ts';
import { buildPrograms } from '../lab/programs.ts';
import { repositoryPath } from '../lab/repository.ts';
import { installTinyTemplate } from '../lab/tiny-template.ts';
import { startEngine } from '../support/engines/engine.ts';
import { readLedger } from '../support/engines/ledger.ts';

/*
 * Each generation of the engine calls what ships, beside the daemon, on a real chain and real guests; what it does wrong by
 * its nature is put right. Its own files and argv: interop §1.
 */

const VERBS = ['create', 'destroy', 'start', 'stop', 'kill', 'status', 'list', 'metrics', 'throttle', 'gc', 'resume'];
const LATER = ['update-gecos', 'guest-exec'];
const SLOW = { timeoutMs: 120_000, everyMs: 250 };

/** A host with everything running but the engine. */
const openHost = async (generation: 'older' | 'newer', cleaner: Cleaner) => {
  const directory = await mkdtemp(join(tmpdir(), 'bh-'));
  cleaner.defer('directory', () => rm(directory, { recursive: true, force: true }));
  await chmod(directory, 0o711);
  const [libvirt, chain] = await Promise.all([
    startLibvirt({ dir: join(directory, 'l'), bridge: 'br0', qemuUser: 'libvirt-qemu' }),
    startAnvil({ blockTimeSeconds: 1, slotsInAnEpoch: 1 }),
  ]);
  cleaner.defer('libvirt', () => libvirt.stop());
  cleaner.defer('anvil', () => chain.stop());
  const deployed = await chain.deployBlockhost();
  const root = join(directory, 'root');
  const stateDir = join(root, 'var/lib/blockhost');
  const manifest = join(root, 'usr/share/blockhost/provisioner.json');
  const commands = Object.fromEntries([...VERBS, ...LATER].map((verb) => [verb, `blockhost-vm-${verb}`]));
  const files: Record<string, string> = {
    'usr/share/blockhost/provisioner.json': JSON.stringify({ name: 'libvirt', commands }),
    'etc/blockhost/db.yaml':
      'storage_path: /var/lib/blockhost/vms\nip_pool: { network: 10.77.0.0/24, start: 10, end: 20, gateway: 10.77.0.1 }\n',
    'etc/blockhost/web3-defaults.yaml': `blockchain: { chain_id: ${chain.chainId}, rpc_url: "${chain.url}", nft_contract: "${deployed.nft}" }\n`,
    'etc/blockhost/blockhost.yaml': `contract_address: "${deployed.subscriptions}"\n`,
    'etc/blockhost/provisioner.yaml': `multicall: "${deployed.multicall3}"
poll_every: 500ms
sweep_every: 3s
policy: { expiry_margin: 1s, shutdown_repeat: 1s, shutdown_patience: 5s, power_off_patience: 1s, stop_debounce: 500ms, backoff_first: 500ms }
`,
    'var/lib/blockhost/vms.json': JSON.stringify({
      ...{ vms: {}, next_vmid: 100, allocated_ips: [], allocated_ipv6: [], reserved_nft_tokens: {} },
    }),
    ...(generation === 'newer' ? { 'usr/share/blockhost/engine.json': '{"name":"engine"}' } : {}),
  };
  for (const [path, words] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), words);
  }
  const bin = join(directory, 'bin');
  for (const folder of [join(stateDir, 'vms'), join(root, 'run/blockhost-provisioner'), bin])
    await mkdir(folder, { recursive: true });
  for (const name of Object.values(commands)) await symlink(repositoryPath('dist/bin', `${name}.mjs`), join(bin, name));
  await libvirt.virsh('pool-define-as', 'blockhost', 'dir', '--target', join(stateDir, 'vms'));
  await libvirt.virsh('pool-start', 'blockhost');
  await installTinyTemplate(join(stateDir, 'provisioner/bases'));
  const env = { BLOCKHOST_ROOT: root, LIBVIRT_DEFAULT_URI: libvirt.uri, PATH: `${bin}:${process.env.PATH}` };
  const daemon = createDaemonProcess({ env, logFile: join(directory, 'daemon.log') });
  cleaner.defer('daemon', () => daemon.kill9());
  await daemon.start();
  return { libvirt, chain, deployed, stateDir, manifest, env };
};

describe.skipIf(!namespacesAllowed())('an engine', () => {
  beforeAll(() => buildPrograms());

  // Each waits most of its time for a subscription to run out.
  it.concurrent.for(['older', 'newer'] as const)(
    'of the %s generation: chain, libvirt and records agree in the end',
    {
      timeout: 600_000,
    },
    async (generation, { onTestFinished }) => {
      const cleaner = createCleaner();
      onTestFinished(() => cleaner.clean(), 60_000);
      const host = await openHost(generation, cleaner);
      const { libvirt, chain, deployed, stateDir } = host;
      const [, customer = '', heir = ''] = chain.accounts;
      const mint = async (owner: string) => (await chain.mintNft(owner)).tokenId;
      const engine = await startEngine(generation, { ...host, rpc: chain.rpc, contract: deployed.subscriptions, mint });
      cleaner.defer('engine', () => engine.stop());
      const vmsJson = join(stateDir, 'vms.json');
      const copyFromBefore = await engine.staleCopy();

      const { id } = await chain.buy(customer, 75);
      const name = 'blockhost-001';
      const record = async () => (await readLedger(vmsJson)).vms[name];
      const domain = async () => (await libvirt.tryVirsh('domstate', name)).stdout.trim() || 'absent';
      /** The record says so, and its expiry is the chain's to the second. */
      const settled = (status: string) => async () => {
        const [now, { expiresAtUnix }] = [await record(), await chain.subscription(id)];
        return now?.status === status && Date.parse(String(now.expires_at)) === Number(expiresAtUnix) * 1000;
      };

      await until('the purchase is dealt with', () => engine.handled() === 1, SLOW);
      expect([engine.failures(), engine.calls()[0]?.stdout]).toEqual([
        [],
        `{"status":"ok","vm_name":"${name}","ip":"10.77.0.10","ipv6":"","vmid":"${name}","nft_token_id":1,"username":"user"}\n`,
      ]);
      await until('the record is the chain’s', settled('active'), SLOW);
      expect(await record()).toMatchObject({ wallet_address: customer.toLowerCase(), ip_address: '10.77.0.10' });
      expect(await domain()).toBe('running');
      expect(engine.calls().map(({ verb, exitCode }) => [verb, exitCode])).toEqual(
        generation === 'older'
          ? [['create', 0]]
          : [
              ['create', 0],
              ['update-gecos', 0],
            ],
      );
      expect(engine.notes()).toEqual(generation === 'older' ? [] : [`Error: ${name} exists already`]);

      await chain.extend(id, 5);
      await until('the extension is dealt with', () => engine.handled() === 2, SLOW);
      await until('what the engine credited too much is put back', settled('active'), SLOW);

      await until('it is suspended when it is over', settled('suspended'), { ...SLOW, timeoutMs: 180_000 });
      expect(await domain()).toBe('shut off');
      await chain.extend(id, 3600);
      await until('the late extension is dealt with', () => engine.handled() === 3, SLOW);
      expect(engine.calls().at(-1)).toMatchObject({ verb: 'resume', argv: [name], exitCode: 0 });
      await until('it is active, until when the chain says', settled('active'), SLOW);
      expect(await domain()).toBe('running');

      await inside(libvirt, name).waitAgent(120_000);
      await chain.transferNft(1n, heir);
      const named = `wallet=${heir.toLowerCase()},nft=1`;
      const followed = async () =>
        (await inside(libvirt, name)
          .gecos('user')
          .catch(() => '')) === named;
      await until('the login follows the token', followed, SLOW);
      await until(
        'the record names the new owner',
        async () => (await record())?.owner_wallet === heir.toLowerCase(),
        SLOW,
      );

      await copyFromBefore();
      await until('a record that a stale copy lost is back', settled('active'), SLOW);
      expect(await record()).toMatchObject({ ip_address: '10.77.0.10', owner_wallet: heir.toLowerCase() });
      expect((await readLedger(vmsJson)).allocated_ips).toEqual(['10.77.0.10']);

      await chain.cancel(id);
      await until('the cancellation is dealt with', () => engine.handled() === 4, SLOW);
      expect(engine.calls().at(-1)).toMatchObject({ verb: 'destroy', argv: [name], exitCode: 0 });
      await until('the record says destroyed', async () => (await record())?.status === 'destroyed', SLOW);
      expect([await domain(), engine.failures()]).toEqual(['absent', []]);
      expect((await readLedger(vmsJson)).allocated_ips).toEqual([]);
    },
  );
});
