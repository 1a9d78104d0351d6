import { readdirSync } from 'node:fs';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { programs } from '../../cli/programs/all.ts';
import { describeKeys } from '../../src/config/provisioner-schema.ts';
import { version } from '../../src/host/version.ts';
import { repositoryPath } from '../lab/repository.ts';

const describeCommand = (command: Command): Record<string, unknown> => ({
  description: command.description(),
  arguments: command.registeredArguments.map((argument) => ({ name: argument.name(), required: argument.required })),
  options: command.options.map(({ flags, description, mandatory }) => ({ flags, description, required: mandatory })),
  ...(command.commands.length > 0
    ? { commands: Object.fromEntries(command.commands.map((child) => [child.name(), describeCommand(child)])) }
    : {}),
});

/** PROJECT.yaml, made from the same declarations as the help of the commands and the schema of the configuration. */
export const projectYaml = (): string =>
  stringify(
    {
      name: 'blockhost-provisioner-libvirt',
      version,
      purpose:
        'Makes virtual machines that were sold against NFTs, and takes them through suspend, resume and destroy, on libvirt/KVM.',
      entry_points: Object.fromEntries(programs().map((command) => [command.name(), describeCommand(command)])),
      configuration: {
        '/etc/blockhost/provisioner.yaml': Object.fromEntries(describeKeys().map(({ key, means }) => [key, means])),
        '/etc/blockhost/db.yaml':
          'the contract: db_file storage_pool storage_path bridge gc_grace_days default_expiry_days ip_pool',
        '/etc/blockhost/web3-defaults.yaml': 'chain settings of the host',
        '/etc/blockhost/blockhost.yaml': 'contract_address',
        '/opt/blockhost/.env': 'RPC_URL BLOCKHOST_CONTRACT NFT_CONTRACT',
      },
      state: {
        '/var/lib/blockhost/vms.json': 'shared records',
        '/var/lib/blockhost/provisioner/': 'journal.ndjson, locks, quarantine, bases, mints, samples.json',
        '/var/lib/blockhost/cloud-init/<vm>/': 'seeds of machines',
        '/run/blockhost-provisioner/': 'daemon.lock, samples.json',
      },
      workflow: ['observe', 'decide', 'intent into the journal', 'perform', 'outcome into the journal', 'look again'],
      external_programs: [
        'virsh',
        'flock',
        'setpriv',
        'qemu-img',
        'cloud-localds',
        'mmdebstrap',
        'mke2fs',
        'virt-customize',
        'systemd-notify',
      ],
      host_modules: {
        'hooks/first-boot.sh': "what a new host needs; run by the host's first boot",
        'hooks/wizard/':
          "the page in the host's installer and its finalization steps (blockhost.provisioner_libvirt.wizard)",
        'hooks/root-agent/virsh.py': "actions of the host's root agent",
        'hooks/polkit/': "an example that narrows libvirt's rights to machines of ours; not switched on",
      },
      systemd_units: readdirSync(repositoryPath('systemd')).sort(),
    },
    { lineWidth: 120 },
  );

/** The table of configuration keys in the README. */
export const keysTable = (): string =>
  [
    '| key of provisioner.yaml | what it means (default) |',
    '|---|---|',
    ...describeKeys().map(({ key, means }) => `| \`${key}\` | ${means.replaceAll('|', '\\|')} |`),
  ].join('\n');
