import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { networkAtEachBoot } from '../../domain/cloud-init/vendor-data.ts';
import type { LocalPackage } from '../../domain/template.ts';
import type { BuildContext } from './build-from-packages.ts';
import { stagePackages } from './local-packages.ts';
import { runContained } from './run-tool.ts';

/** Runs inside the image. */
const script = `#!/bin/sh
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -y --no-install-recommends install qemu-guest-agent
if [ -d /var/tmp/debs ]; then
  apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-confold install /var/tmp/debs/*.deb
  rm -r /var/tmp/debs
fi
printf 'datasource_list: [ NoCloud ]\\n${networkAtEachBoot}\\n' >/etc/cloud/cloud.cfg.d/90-blockhost.cfg
systemctl -q enable qemu-guest-agent.service 2>/dev/null || true
systemctl -q enable serial-getty@ttyS0.service
apt-get clean
rm -rf /var/lib/apt/lists/* /var/lib/cloud/* /etc/ssh/ssh_host_* /var/lib/systemd/random-seed /var/lib/dbus/machine-id
: >/etc/machine-id
`;

/** Installs the agent and the local packages into an image with an operating system of Debian's family. */
export const customizeImage = async (
  imageFile: string,
  localPackages: readonly LocalPackage[],
  { directory, signal, report }: BuildContext,
): Promise<void> => {
  report.step(`installing qemu-guest-agent${localPackages.map(({ name }) => `, ${name}`).join('')} into the image`);
  const file = join(directory, 'customize.sh');
  await writeFile(file, script, { mode: 0o755 });
  const debs = join(directory, 'debs');
  await stagePackages(localPackages, debs);
  const copies = localPackages.length === 0 ? [] : ['--copy-in', `${debs}:/var/tmp`];
  const argv = ['virt-customize', '--format', 'qcow2', '-a', imageFile, '--network', ...copies, '--run', file];
  // It does not go through libvirt, and not through a /dev/kvm that nobody has seen work: one that is dead hangs for ever.
  const env = { LIBGUESTFS_BACKEND: 'direct', LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg', TMPDIR: directory };
  await runContained(argv, { signal, onLine: report.detail, env });
};
