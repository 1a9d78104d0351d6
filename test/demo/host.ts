import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import type { AnvilLab } from '../lab/anvil.ts';
import type { Deployed } from '../lab/blockhost-chain.ts';
import type { LibvirtLab } from '../lab/libvirt.ts';

/** A host as the installer leaves it, below a directory instead of `/`. */
export interface DemoHost {
  /** What `BLOCKHOST_ROOT` says. */
  readonly root: string;
  readonly storageDir: string;
  readonly cloudInitDir: string;
  readonly stateDir: string;
  readonly vmsJson: string;
  /** The environment that the daemon and the operator's command get on top of ours. */
  readonly env: Readonly<Record<string, string>>;
}

export interface HostOptions {
  readonly root: string;
  readonly libvirt: LibvirtLab;
  readonly chain: AnvilLab;
  readonly deployed: Deployed;
  /** The configuration's RPC endpoints: two, as a destruction wants two witnesses. */
  readonly endpoints: readonly string[];
}

/** Seconds of a life in the demo. Only durations; every rule is as shipped. */
export const GRACE_SECONDS = 20;
export const QUARANTINE_SECONDS = 25;
export const MARGIN_SECONDS = 1;

const POLICY = {
  expiry_margin: `${MARGIN_SECONDS}s`,
  shutdown_repeat: '3s',
  shutdown_patience: '15s',
  power_off_patience: '3s',
  stop_debounce: '1s',
  backoff_first: '500ms',
} as const;

const write = async (root: string, path: string, content: object): Promise<void> => {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, path.endsWith('.json') ? JSON.stringify(content, null, 2) : stringify(content), {
    mode: 0o640,
  });
};

const configure = async ({ root, chain, deployed, endpoints }: HostOptions): Promise<void> => {
  await write(root, '/etc/blockhost/db.yaml', {
    db_file: '/var/lib/blockhost/vms.json',
    storage_path: '/var/lib/blockhost/vms',
    storage_pool: 'blockhost',
    bridge: 'br0',
    ip_pool: { network: '192.168.122.0/24', start: 10, end: 250, gateway: '192.168.122.1' },
    default_expiry_days: 30,
    gc_grace_days: 7,
  });
  await write(root, '/etc/blockhost/web3-defaults.yaml', {
    blockchain: { chain_id: chain.chainId, rpc_url: endpoints[0], nft_contract: deployed.nft },
  });
  await write(root, '/etc/blockhost/blockhost.yaml', { contract_address: deployed.subscriptions });
  await write(root, '/etc/blockhost/provisioner.yaml', {
    rpc: endpoints,
    multicall: deployed.multicall3,
    poll_every: '500ms',
    request_timeout: '2s',
    grace: `${GRACE_SECONDS}s`,
    quarantine: `${QUARANTINE_SECONDS}s`,
    sweep_every: '10s',
    policy: POLICY,
  });
};

/** Writes the configuration, empty records and the directories, and defines the storage pool. */
export const prepareHost = async (options: HostOptions): Promise<DemoHost> => {
  const { root, libvirt } = options;
  const blockhost = join(root, 'var/lib/blockhost');
  const host: DemoHost = {
    root,
    storageDir: join(blockhost, 'vms'),
    cloudInitDir: join(blockhost, 'cloud-init'),
    stateDir: join(blockhost, 'provisioner'),
    vmsJson: join(blockhost, 'vms.json'),
    env: { BLOCKHOST_ROOT: root, LIBVIRT_DEFAULT_URI: libvirt.uri },
  };
  await configure(options);
  // The last one is systemd's to make (RuntimeDirectory).
  const directories = [host.storageDir, host.cloudInitDir, join(root, 'run/blockhost-provisioner')];
  for (const directory of directories) await mkdir(directory, { recursive: true });
  const empty = { vms: {}, next_vmid: 100, allocated_ips: [], allocated_ipv6: [], reserved_nft_tokens: {} };
  await write(root, '/var/lib/blockhost/vms.json', empty);
  await libvirt.virsh('pool-define-as', 'blockhost', 'dir', '--target', host.storageDir);
  await libvirt.virsh('pool-start', 'blockhost');
  return host;
};
