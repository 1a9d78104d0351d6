import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type LibvirtLab, startLibvirt } from '../../lab/libvirt.ts';
import { buildPrograms, type Ended, runProgram } from '../../lab/programs.ts';
import { installTinyTemplate } from '../../lab/tiny-template.ts';

/** A host as its installer leaves it, below a directory, and whoever calls its commands: nothing of the product is imported. */
export interface ContractHost {
  readonly root: string;
  readonly lab: LibvirtLab;
  run(program: string, ...argv: readonly string[]): Promise<Ended>;
  record(name: string): Promise<Record<string, unknown> | undefined>;
  changeRecord(name: string, change: Readonly<Record<string, unknown>>): Promise<void>;
  installTemplate(): Promise<void>;
  close(): Promise<void>;
}

const FILES: Readonly<Record<string, string>> = {
  'etc/blockhost/db.yaml': `db_file: /var/lib/blockhost/vms.json
storage_pool: blockhost
storage_path: /var/lib/blockhost/vms
bridge: br0
gc_grace_days: 7
default_expiry_days: 30
ip_pool: { network: 10.77.0.0/24, start: 10, end: 20, gateway: 10.77.0.1 }
`,
  // Durations only: every rule is as shipped.
  'etc/blockhost/provisioner.yaml':
    'policy: { expiry_margin: 1s, shutdown_repeat: 1s, shutdown_patience: 5s, power_off_patience: 1s, stop_debounce: 500ms }\n',
  'var/lib/blockhost/vms.json':
    '{"vms":{},"next_vmid":100,"allocated_ips":[],"allocated_ipv6":[],"reserved_nft_tokens":{}}',
};

export const openContractHost = async (): Promise<ContractHost> => {
  const directory = await mkdtemp(join(tmpdir(), 'bh-'));
  await chmod(directory, 0o711); // qemu's user goes through it
  const root = join(directory, 'root');
  const state = join(root, 'var/lib/blockhost');
  for (const [path, words] of Object.entries(FILES)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), words);
  }
  for (const folder of ['var/lib/blockhost/vms', 'run/blockhost-provisioner'])
    await mkdir(join(root, folder), { recursive: true });
  const [lab] = await Promise.all([
    startLibvirt({ dir: join(directory, 'l'), bridge: 'br0', qemuUser: 'libvirt-qemu' }),
    buildPrograms(),
  ]);
  await lab.virsh('pool-define-as', 'blockhost', 'dir', '--target', join(state, 'vms'));
  await lab.virsh('pool-start', 'blockhost');
  const file = join(state, 'vms.json');
  const read = async () => JSON.parse(await readFile(file, 'utf8')) as { vms: Record<string, Record<string, unknown>> };
  const env = { BLOCKHOST_ROOT: root, LIBVIRT_DEFAULT_URI: lab.uri };
  return {
    root,
    lab,
    run: (program, ...argv) => runProgram(program, argv, { cwd: state, env }),
    record: async (name) => (await read()).vms[name],
    changeRecord: async (name, change) => {
      const all = await read();
      all.vms[name] = { ...all.vms[name], ...change };
      await writeFile(file, JSON.stringify(all));
    },
    installTemplate: () => installTinyTemplate(join(state, 'provisioner/bases')),
    close: async () => {
      await lab.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
};
