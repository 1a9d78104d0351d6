import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Cleaner, createCleaner } from '../demo/laboratory.ts';
import { type AnvilLab, startAnvil } from '../lab/anvil.ts';
import type { Deployed } from '../lab/blockhost-chain.ts';
import { makeDummy } from '../lab/debian-package.ts';
import { type DebianRoot, provideDebianRoot } from '../lab/debian-root.ts';
import { type LibvirtLab, startLibvirt } from '../lab/libvirt.ts';
import { providePackage } from '../lab/our-package.ts';
import { startRpcProxy } from '../lab/rpc-proxy.ts';
import { installTinyTemplate } from '../lab/tiny-template.ts';
import { install, PACKAGE } from './package-host.ts';
import { prepareServices, type ServiceHost } from './walk-service.ts';
import type { Transcript } from './walk-transcript.ts';

/** A Debian with our package in it, made ready by the package's own hook and wizard, and the world around it. */
export interface WalkHost extends ServiceHost {
  readonly directory: string;
  readonly libvirt: LibvirtLab;
  readonly chain: AnvilLab;
  readonly deployed: Deployed;
  readonly cleaner: Cleaner;
}

/** What the host's programs are run by; Node is Debian's own, the oldest that we run on. */
const PROGRAMS = [
  ...['python3', 'python3-yaml', 'nodejs', 'libvirt-clients', 'qemu-utils', 'cloud-image-utils', 'systemd'],
  'iproute2',
];
/** Packages that the first boot wants and whose work is done outside of this root, or not at all. */
const ELSEWHERE = ['qemu-system-x86', 'libvirt-daemon-system', 'iptables', 'mmdebstrap'];
const COMMON = 'usr/lib/python3/dist-packages/blockhost/__init__.py';

const installPackage = async (directory: string, transcript: Transcript): Promise<DebianRoot> => {
  const built = providePackage(directory);
  const root = await (await provideDebianRoot(PROGRAMS)).copy(join(directory, 'root'));
  await root.write('etc/dpkg/dpkg.cfg.d/lab', 'force-unsafe-io\n');
  const dummies = [
    { name: 'blockhost-common', version: '0.1.0', files: { [COMMON]: '' } },
    ...ELSEWHERE.map((name) => ({ name, version: '99' })),
  ];
  await install(root, ...(await Promise.all(dummies.map((dummy) => makeDummy(directory, dummy)))));
  await install(root, await built);
  for (const line of [`dpkg -s ${PACKAGE}`, '/usr/share/blockhost/provisioner-hooks/first-boot.sh'])
    transcript.ran('first boot, root', line.split(' '), { exitCode: 0, stdout: await root.out(line), stderr: '' });
  await root.out('mkdir -m 1777 /srv/open');
  await prepareServices(root);
  return root;
};

export const GRACE_SECONDS = 8;

/** What the wizard was told; its steps write db.yaml and make the pool. */
const CHOSEN = {
  ...{ storage_pool: 'blockhost', storage_path: '/var/lib/blockhost/vms', bridge: 'br0' },
  ...{ ip_network: '10.77.0.0/24', ip_start: '10', ip_end: '20', gateway: '10.77.0.1', gc_grace_days: '7' },
};
/** The bridge is in libvirt's network namespace, where this root's `ip` does not look: hence not the step `network`. */
const FINALIZE = `import json, sys
from blockhost.provisioner_libvirt import steps
config = {"provisioner": json.loads(sys.argv[1])}
for step in (steps.finalize_storage, steps.finalize_db_config, steps.finalize_template):
    done, why = step(config)
    if not done:
        sys.exit(why)
`;

/** What installer, engine and operator write; only durations are shorter than usual. */
const filesOf = (chain: AnvilLab, deployed: Deployed, rpc: readonly string[]): Readonly<Record<string, string>> => ({
  '/etc/blockhost/web3-defaults.yaml': stringify({
    blockchain: {
      ...{ chain_id: chain.chainId, rpc_url: chain.url, nft_contract: deployed.nft },
      subscription_contract: deployed.subscriptions,
    },
    auth: { otp_length: 6, otp_ttl_seconds: 300 },
  }),
  '/etc/blockhost/blockhost.yaml': stringify({ contract_address: deployed.subscriptions }),
  '/etc/blockhost/broker-allocation.json': JSON.stringify({ prefix: 'fd77::/64', gateway: 'fd77::1' }),
  '/opt/blockhost/.env': `RPC_URL=${chain.url}\nBLOCKHOST_CONTRACT=${deployed.subscriptions}\nNFT_CONTRACT=${deployed.nft}\n`,
  '/etc/blockhost/provisioner.yaml': stringify({
    ...{ rpc, multicall: deployed.multicall3, grace: `${GRACE_SECONDS}s` },
    ...{ poll_every: '500ms', request_timeout: '2s', sweep_every: '3s' },
    policy: {
      ...{ expiry_margin: '1s', shutdown_repeat: '1s', shutdown_patience: '5s', power_off_patience: '1s' },
      ...{ stop_debounce: '500ms', backoff_first: '500ms' },
    },
  }),
});

const writeConfiguration = async (root: DebianRoot, files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [path, text] of Object.entries(files)) await root.write(path.slice(1), text, 0o640);
  await root.out(`chown root:blockhost ${Object.keys(files).join(' ')}`);
};

/** Everything but the services. `cleaner.clean()` ends all of it. */
export const openWalkHost = async (transcript: Transcript): Promise<WalkHost> => {
  const cleaner = createCleaner();
  try {
    const directory = await mkdtemp(join(tmpdir(), 'bh-walk-'));
    cleaner.defer('directory', () => rm(directory, { recursive: true, force: true }));
    await chmod(directory, 0o711); // qemu's user goes through it
    const startedChain = startAnvil({ blockTimeSeconds: 1, slotsInAnEpoch: 1 }).then((chain) => {
      cleaner.defer('anvil', () => chain.stop());
      return chain;
    });
    const [chain, root] = await Promise.all([startedChain, installPackage(directory, transcript)]);
    const libvirt = await startLibvirt({
      ...{ dir: join(directory, 'l'), bridge: 'br0', qemuUser: 'libvirt-qemu' },
      ...{ stateDir: join(root.dir, 'var/lib/blockhost') },
      socketGroup: Number(await root.out('getent group libvirt | cut -d: -f3')),
    });
    cleaner.defer('libvirt', () => libvirt.stop());
    const deployed = await chain.deployBlockhost();
    const second = await startRpcProxy(chain.url);
    cleaner.defer('RPC proxy', () => second.stop());
    await writeConfiguration(root, filesOf(chain, deployed, [chain.url, second.url]));
    await installTinyTemplate(join(root.dir, 'var/lib/blockhost/provisioner/bases'));
    return { directory, root, libvirtRun: join(libvirt.dir, 'run/libvirt'), libvirt, chain, deployed, cleaner };
  } catch (error) {
    await cleaner.clean();
    throw error;
  }
};

/** The argv that ends the installer's run, as root: `python3 -c …`. */
export const finalizing = (): readonly string[] => ['/usr/bin/python3', '-c', FINALIZE, JSON.stringify(CHOSEN)];
