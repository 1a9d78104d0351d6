import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { storeBase } from '../../src/drivers/bases/store-base.ts';
import { createSystemClock } from '../../src/drivers/clock/system-clock.ts';
import { createRootAgent } from '../../src/drivers/root-agent/client.ts';
import { createDaemonProcess, type DaemonProcess } from '../demo/daemon-process.ts';
import { type Cleaner, createCleaner } from '../demo/laboratory.ts';
import { type AnvilLab, type AnvilOptions, startAnvil } from '../lab/anvil.ts';
import type { Deployed } from '../lab/blockhost-chain.ts';
import { buildGuestImage } from '../lab/guest-image.ts';
import { quickBoot } from '../lab/guest-xml.ts';
import { type LibvirtLab, startLibvirt } from '../lab/libvirt.ts';
import { repositoryPath } from '../lab/repository.ts';
import { type RpcProxy, startRpcProxy } from '../lab/rpc-proxy.ts';

/** What a program said and how it ended. */
export interface Ran {
  readonly exitCode: number | undefined;
  readonly out: string;
  readonly err: string;
  readonly tookMs: number;
}

/** A host as an installer leaves it, below one directory: real libvirtd with pool and bridge, chain, contracts, files. */
export interface RealHost {
  readonly directory: string;
  readonly root: string;
  readonly libvirt: LibvirtLab;
  readonly chain: AnvilLab;
  readonly deployed: Deployed;
  readonly env: Readonly<Record<string, string>>;
  readonly daemon: DaemonProcess;
  /** Two ways to the same chain; the daemon knows no other. */
  readonly endpoints: readonly RpcProxy[];
  readonly cleaner: Cleaner;
  /** Below the root. */
  readonly at: (path: string) => string;
  /** Runs an executable that ships: `create`, or a whole name such as `blockhost-provisioner`. */
  readonly run: (verb: string, ...argv: readonly string[]) => Promise<Ran>;
  /** The same in another environment. */
  readonly runIn: (env: Readonly<Record<string, string>>, verb: string, ...argv: readonly string[]) => Promise<Ran>;
  /** The host routes that its root agent keeps: address to device. */
  readonly routes: () => Promise<Readonly<Record<string, string>>>;
  /** Everything there is of it: files with modes and content, and what libvirt keeps. */
  readonly portrait: () => Promise<readonly string[]>;
  /** What provisioner.yaml says, with `more` on top. */
  readonly configure: (more?: Readonly<Record<string, unknown>>) => Promise<void>;
}

export interface RealHostOptions {
  /** Puts a template into the directory of bases; the laboratory's tiny guest where it is left out. */
  readonly template?: (basesDir: string) => Promise<void>;
  /** Whoever may have to end it while it is being opened brings his own. */
  readonly cleaner?: Cleaner;
  /** `safe` is one block behind the head and `finalized` two, unless told otherwise. */
  readonly chain?: AnvilOptions;
  /** What ships was built already. */
  readonly built?: boolean;
}

/** Key of anvil's first account, which owns the contracts: known to everyone, worth nothing. */
const OWNER_KEY = 'ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';
const STORAGE = 'var/lib/blockhost/vms';

/** Only durations: every rule is as shipped. */
const POLICY = {
  expiry_margin: '1s',
  shutdown_repeat: '1s',
  shutdown_patience: '4s',
  power_off_patience: '1s',
  stop_debounce: '500ms',
  backoff_first: '500ms',
};

const tinyGuest = async (basesDir: string): Promise<void> => {
  const image = await buildGuestImage();
  const imageFile = `${basesDir}.image.qcow2`;
  await copyFile(image.base, imageFile);
  const commandLine = `${quickBoot} lab=normal lab.name=machine`;
  const boot = { kind: 'kernel', kernel: image.kernel, initrd: image.initramfs, commandLine } as const;
  const clock = createSystemClock();
  await storeBase(
    { directory: basesDir, clock },
    { imageFile, boot, manifest: { source: 'the laboratory', versions: {} } },
  );
};

const filesOf = (chain: AnvilLab, deployed: Deployed): Readonly<Record<string, string>> => ({
  'etc/blockhost/db.yaml': stringify({
    db_file: '/var/lib/blockhost/vms.json',
    storage_pool: 'blockhost',
    storage_path: `/${STORAGE}`,
    bridge: 'br0',
    ip_pool: { network: '10.77.0.0/24', start: '2', end: '254', gateway: '10.77.0.1' },
    default_expiry_days: 30,
    gc_grace_days: 7,
  }),
  'etc/blockhost/broker-allocation.json': JSON.stringify({ prefix: 'fd77::/64', gateway: 'fd77::1' }),
  'etc/blockhost/web3-defaults.yaml': stringify({
    blockchain: {
      chain_id: chain.chainId,
      rpc_url: chain.url,
      nft_contract: deployed.nft,
      subscription_contract: deployed.subscriptions,
    },
    deployer: { private_key_file: '/etc/blockhost/deployer.key' },
    auth: { otp_length: 6, otp_ttl_seconds: 300 },
  }),
  'etc/blockhost/deployer.key': OWNER_KEY,
  'var/lib/blockhost/vms.json': JSON.stringify(
    { vms: {}, next_vmid: 100, allocated_ips: [], allocated_ipv6: [], reserved_nft_tokens: {} },
    null,
    2,
  ),
});

/** The host's root agent, as it is spoken to; it only remembers routes. */
const startRootAgent = async (socketPath: string, cleaner: Cleaner): Promise<RealHost['routes']> => {
  await mkdir(dirname(socketPath), { recursive: true });
  const script = repositoryPath('test/python/root_agent.py');
  const agent = spawn('setpriv', ['--pdeathsig', 'KILL', 'python3', script, socketPath], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleaner.defer('root agent', async () => void agent.kill('SIGKILL'));
  await once(agent.stdout, 'data');
  const ask = createRootAgent({ socketPath, clock: createSystemClock(), timeoutMs: 5000 });
  return async () => (await ask('routes', {})).routes as Record<string, string>;
};

const portraitOf = async (root: string, libvirt: LibvirtLab): Promise<readonly string[]> => {
  const paths = await readdir(root, { recursive: true });
  const files = paths.map(async (path) => {
    const { mode, size } = await stat(join(root, path));
    const text = (mode & 0o170000) === 0o100000 ? await readFile(join(root, path)) : Buffer.of();
    return `${path} ${mode.toString(8)} ${size} ${createHash('sha256').update(text).digest('hex')}`;
  });
  const asked = [['list', '--all'], ['nwfilter-list'], ['pool-list', '--all'], ['vol-list', 'blockhost']];
  return [...(await Promise.all(files)).sort(), ...(await Promise.all(asked.map((of) => libvirt.virsh(...of))))];
};

/** Builds what ships and starts everything but the daemon. `cleaner.clean()` ends all of it. */
export const openRealHost = async (options: RealHostOptions = {}): Promise<RealHost> => {
  const { template = tinyGuest, cleaner = createCleaner(), built = false } = options;
  try {
    const directory = await mkdtemp(join(tmpdir(), 'bh-real-'));
    cleaner.defer('directory', () => rm(directory, { recursive: true, force: true }));
    await chmod(directory, 0o711); // qemu's user goes through it
    const root = join(directory, 'root');
    const at = (path: string): string => join(root, path);
    const startedChain = startAnvil({ blockTimeSeconds: 1, slotsInAnEpoch: 1, ...options.chain }).then((anvil) => {
      cleaner.defer('anvil', () => anvil.stop());
      return anvil;
    });
    const startedLibvirt = startLibvirt({ dir: join(directory, 'l'), bridge: 'br0', qemuUser: 'libvirt-qemu' }).then(
      (lab) => {
        cleaner.defer('libvirt', () => lab.stop());
        return lab;
      },
    );
    const bundled = built ? undefined : execa(process.execPath, [repositoryPath('debian/bundle.mjs')]);
    const [chain, libvirt] = await Promise.all([startedChain, startedLibvirt, bundled]);
    const deployed = await chain.deployBlockhost();
    const endpoints = await Promise.all([startRpcProxy(chain.url), startRpcProxy(chain.url)]);
    for (const endpoint of endpoints) cleaner.defer('RPC proxy', () => endpoint.stop());
    for (const [path, text] of Object.entries(filesOf(chain, deployed))) {
      await mkdir(dirname(at(path)), { recursive: true });
      await writeFile(at(path), text, { mode: path.endsWith('.key') ? 0o600 : 0o640 });
    }
    const configure: RealHost['configure'] = (more = {}) =>
      writeFile(
        at('etc/blockhost/provisioner.yaml'),
        stringify({
          rpc: endpoints.map(({ url }) => url),
          multicall: deployed.multicall3,
          poll_every: '500ms',
          request_timeout: '2s',
          sweep_every: '4s',
          policy: POLICY,
          ...more,
        }),
      );
    await configure();
    for (const folder of [STORAGE, 'run/blockhost-provisioner']) await mkdir(at(folder), { recursive: true });
    await libvirt.virsh('pool-define-as', 'blockhost', 'dir', '--target', at(STORAGE));
    await libvirt.virsh('pool-start', 'blockhost');
    await mkdir(at('var/lib/blockhost/provisioner/bases'), { recursive: true });
    await template(at('var/lib/blockhost/provisioner/bases'));
    const routes = await startRootAgent(at('run/blockhost/root-agent.sock'), cleaner);
    const env = { BLOCKHOST_ROOT: root, LIBVIRT_DEFAULT_URI: libvirt.uri };
    const daemon = createDaemonProcess({ env, logFile: join(directory, 'daemon.log') });
    cleaner.defer('daemon', () => daemon.kill9());
    const runIn: RealHost['runIn'] = async (used, verb, ...argv) => {
      const name = verb.startsWith('blockhost-') ? verb : `blockhost-vm-${verb}`;
      const startedMs = performance.now();
      const done = await execa(process.execPath, [repositoryPath('dist/bin', `${name}.mjs`), ...argv], {
        ...{ env: used, cwd: at('var/lib/blockhost'), reject: false, timeout: 150_000, stripFinalNewline: false },
      });
      const tookMs = Math.round(performance.now() - startedMs);
      return { exitCode: done.exitCode, out: done.stdout, err: done.stderr, tookMs };
    };
    return {
      directory,
      root,
      libvirt,
      chain,
      deployed,
      env,
      daemon,
      endpoints,
      cleaner,
      at,
      runIn,
      routes,
      configure,
      portrait: () => portraitOf(root, libvirt),
      run: (...of) => runIn(env, ...of),
    };
  } catch (error) {
    await cleaner.clean();
    throw error;
  }
};
