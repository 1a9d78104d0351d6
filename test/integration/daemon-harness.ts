import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { createDaemonProcess, type DaemonProcess, type LogLine } from '../demo/daemon-process.ts';
import { type Cleaner, createCleaner } from '../demo/laboratory.ts';
import { type AnvilLab, startAnvil } from '../lab/anvil.ts';
import { buildGuestImage } from '../lab/guest-image.ts';
import { type LibvirtLab, startLibvirt } from '../lab/libvirt.ts';
import { until } from '../lab/processes.ts';
import { repositoryPath } from '../lab/repository.ts';
import { type Market, openMarkets } from './daemon-harness-market.ts';
import { bootStranger, type Stranger } from './daemon-harness-stranger.ts';

/** The real parts that all cases of one file share. */
export interface Bench {
  readonly directory: string;
  readonly chain: AnvilLab;
  readonly libvirt: LibvirtLab;
  /** One contract for each case that wants its own. */
  readonly markets: readonly Market[];
  readonly multicall: string;
  /** A domain of somebody else, with a name out of hell, there all the time (D8). */
  readonly stranger: Stranger;
  readonly cleaner: Cleaner;
}

/** `safe` is one block behind the head and `finalized` two, so that a case need not wait. */
const CHAIN = { blockTimeSeconds: 1, slotsInAnEpoch: 1 } as const;

/** Builds what ships, and starts chain, contracts, libvirtd and the stranger. `cleaner.clean()` ends all of it. */
export const openBench = async (marketCount: number): Promise<Bench> => {
  const cleaner = createCleaner();
  try {
    const directory = await mkdtemp(join(tmpdir(), 'bh-bad-'));
    cleaner.defer('directory', () => rm(directory, { recursive: true, force: true }));
    await chmod(directory, 0o755);
    await Promise.all([execa(process.execPath, [repositoryPath('debian/bundle.mjs')]), buildGuestImage()]);
    const startedLibvirt = startLibvirt({ dir: join(directory, 'v') }).then((lab) => {
      cleaner.defer('libvirt', () => lab.stop());
      return lab;
    });
    const startedChain = startAnvil(CHAIN).then((anvil) => {
      cleaner.defer('anvil', () => anvil.stop());
      return anvil;
    });
    const [libvirt, chain] = await Promise.all([startedLibvirt, startedChain]);
    const [{ markets, multicall }, stranger] = await Promise.all([
      openMarkets(chain, marketCount),
      bootStranger(libvirt, join(directory, 'strange')),
    ]);
    return { directory, chain, libvirt, markets, multicall, stranger, cleaner };
  } catch (error) {
    await cleaner.clean();
    throw error;
  }
};

/** One chain as provisioner.yaml has it. */
export interface SiteChain {
  readonly chainId: number;
  readonly endpoints: readonly string[];
  readonly contract: string;
  readonly credentialNft?: string;
  /** Names of machines, where it is not the first chain. */
  readonly namePrefix?: string;
  readonly more?: Readonly<Record<string, unknown>>;
}

/** A host below a directory, with a daemon that is not started yet. */
export interface Site {
  readonly root: string;
  readonly stateDir: string;
  readonly journal: string;
  readonly vmsJson: string;
  readonly provisionerYaml: string;
  readonly storageDir: string;
  readonly cloudInitDir: string;
  readonly daemon: DaemonProcess;
  readonly env: Readonly<Record<string, string>>;
  /** Makes another daemon for the same host. */
  another(): DaemonProcess;
  /** What provisioner.yaml says when nothing is wrong with it. */
  readonly rightYaml: string;
}

export interface SiteOptions {
  readonly name: string;
  readonly chains: readonly SiteChain[];
  /** On top of the daemon's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Only durations: every rule is as shipped. */
const POLICY = {
  expiry_margin: '1s',
  shutdown_repeat: '1s',
  shutdown_patience: '1s',
  power_off_patience: '1s',
  stop_debounce: '500ms',
  backoff_first: '500ms',
} as const;

const yamlOf = (bench: Bench, chains: readonly SiteChain[]): string =>
  stringify({
    chains: chains.map(({ chainId, endpoints, contract, credentialNft, namePrefix, more }) => ({
      chain_id: chainId,
      rpc: endpoints,
      contracts: [{ address: contract, ...(namePrefix === undefined ? {} : { name_prefix: namePrefix }) }],
      multicall: bench.multicall,
      poll_every: '500ms',
      request_timeout: '2s',
      ...(credentialNft === undefined ? {} : { credential_nft: credentialNft }),
      ...more,
    })),
    sweep_every: '4s',
    policy: POLICY,
  });

/** Writes configuration and empty records. The daemon dies with the bench. */
export const createSite = async (bench: Bench, { name, chains, env: extra }: SiteOptions): Promise<Site> => {
  const root = join(bench.directory, name);
  const blockhost = join(root, 'var/lib/blockhost');
  const stateDir = join(blockhost, 'provisioner');
  const vmsJson = join(blockhost, 'vms.json');
  const provisionerYaml = join(root, 'etc/blockhost/provisioner.yaml');
  const storageDir = join(blockhost, 'vms');
  const cloudInitDir = join(blockhost, 'cloud-init');
  const rightYaml = yamlOf(bench, chains);
  const empty = { vms: {}, next_vmid: 100, allocated_ips: [], allocated_ipv6: [], reserved_nft_tokens: {} };
  const database = { db_file: '/var/lib/blockhost/vms.json', storage_path: '/var/lib/blockhost/vms', bridge: 'br0' };
  const files = {
    [provisionerYaml]: rightYaml,
    [join(root, 'etc/blockhost/db.yaml')]: stringify(database),
    [vmsJson]: JSON.stringify(empty, null, 2),
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { mode: 0o640 });
  }
  const directories = [storageDir, cloudInitDir, stateDir, join(root, 'run/blockhost-provisioner')];
  for (const directory of directories) await mkdir(directory, { recursive: true });
  const env = { BLOCKHOST_ROOT: root, LIBVIRT_DEFAULT_URI: bench.libvirt.uri, ...extra };
  const another = (): DaemonProcess => {
    const daemon = createDaemonProcess({ env, logFile: join(bench.directory, `${name}.log`) });
    bench.cleaner.defer('daemon', () => daemon.kill9());
    return daemon;
  };
  const journal = join(stateDir, 'journal.ndjson');
  const paths = { root, stateDir, journal, vmsJson, provisionerYaml, storageDir, cloudInitDir };
  return { ...paths, daemon: another(), env, another, rightYaml };
};

/** Starts a daemon that must not come up; resolves to its exit code and its only or last line of level error. */
export const startInVain = async (
  daemon: DaemonProcess,
): Promise<{ exitCode: number; error: LogLine; lines: number }> => {
  const from = daemon.log().length;
  const failure = await daemon.start().then(
    () => undefined,
    (error: unknown) => String(error),
  );
  if (failure === undefined) throw new Error('the daemon started, though it should not');
  const exitCode = Number(/exit code (\d+)/.exec(failure)?.[1]);
  const errors = (): LogLine[] =>
    daemon
      .log()
      .slice(from)
      .filter(({ level }) => level === 'error' || level === 'fatal');
  await until(`the daemon says why it ended (${failure})`, () => errors().length > 0, { timeoutMs: 5_000 });
  const error = errors().at(-1);
  if (error === undefined) throw new Error(failure);
  return { exitCode, error, lines: errors().length };
};
