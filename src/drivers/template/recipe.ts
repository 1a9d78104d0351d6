import { networkAtEachBoot } from '../../domain/cloud-init/vendor-data.ts';

/**
 * What a template made of Debian packages is, beside the packages themselves. Whoever changes it counts RECIPE_VERSION up.
 */

/** Packages that every template has. */
export const recipePackages = [
  // boots, and is a system
  ...['linux-image-cloud-amd64', 'systemd-sysv', 'udev', 'dbus', 'libpam-systemd', 'e2fsprogs', 'passwd'],
  // is told who it is, and lets itself be asked
  ...['cloud-init', 'qemu-guest-agent'],
  // reaches others and is reached: netplan takes cloud-init's network-config as it is, routes on-link included
  ...[
    'netplan.io',
    'systemd-resolved',
    'netbase',
    'iproute2',
    'iputils-ping',
    'ca-certificates',
    'openssh-server',
    'sudo',
  ],
] as const;

/** The file system's name; the kernel's command line and fstab find it by that. */
export const rootLabel = 'blockhost-root';

/** Its last console is where kernel, boot and login prompt appear: the serial one. */
export const kernelCommandLine = `root=LABEL=${rootLabel} ro console=tty0 console=ttyS0,115200n8`;

/** Runs once everything is installed, outside of the guest's root, which is $1; local packages lie in ../debs. */
export const customizeScript = `#!/bin/sh
set -eu
exec 1>&2
root=$1
debs=$(dirname "$0")/../debs

# The resolver that the guest will have does not run here.
rm -f "$root/etc/resolv.conf"
if [ -d "$debs" ]; then
  mkdir "$root/tmp/debs"
  cp "$debs"/*.deb "$root/tmp/debs/"
  cat /etc/resolv.conf >"$root/etc/resolv.conf"
  chroot "$root" sh -c 'exec apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-confold install /tmp/debs/*.deb'
  rm -r "$root/tmp/debs" "$root/etc/resolv.conf"
fi

# It asks nobody on the network who it is: what cannot be found at once is not looked for.
cat >"$root/etc/cloud/cloud.cfg.d/90-blockhost.cfg" <<'END'
datasource_list: [ NoCloud ]
# C.UTF-8 is there; any other wants the package locales, which is for the owner to choose.
locale: false
system_info:
  network:
    renderers: [ netplan, networkd, eni ]
apt:
  preserve_sources_list: true
${networkAtEachBoot}
END

printf 'LABEL=${rootLabel} / ext4 errors=remount-ro 0 1\\n' >"$root/etc/fstab"
printf '127.0.0.1 localhost\\n::1 localhost ip6-localhost ip6-loopback\\n' >"$root/etc/hosts"

# A machine whose link is down, or whose network is not there yet, still comes up and answers its agent.
mkdir -p "$root/etc/systemd/system/systemd-networkd-wait-online.service.d"
cat >"$root/etc/systemd/system/systemd-networkd-wait-online.service.d/blockhost.conf" <<'END'
[Service]
ExecStart=
ExecStart=/lib/systemd/systemd-networkd-wait-online --any --timeout=20
END

for unit in serial-getty@ttyS0 systemd-networkd systemd-resolved ssh; do
  chroot "$root" systemctl -q enable "$unit.service"
done
# The agent comes with its device; where a package wants it enabled, that is done as well.
chroot "$root" systemctl -q enable qemu-guest-agent.service 2>/dev/null || true

# Nothing that all machines would share, or that tells of the host which built it.
rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id" "$root/etc/hostname"
rm -f "$root/var/lib/systemd/random-seed" "$root/var/lib/systemd/credential.secret"
rm -rf "$root"/var/lib/cloud/* "$root/root/.ssh" "$root/root/.bash_history"
: >"$root/etc/machine-id"
ln -s ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
`;

/** Runs after mmdebstrap has taken away what it needed itself. The root is $1, the release $2. */
export const finishScript = `#!/bin/sh
set -eu
root=$1
suite=$2
rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap" "$root/etc/dpkg/dpkg.cfg.d/99mmdebstrap" "$root/etc/hostname"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb
rm -rf "$root"/tmp/* "$root"/var/tmp/* "$root"/run/*
rm -rf "$root"/var/log/apt/* "$root"/var/log/journal/*
rm -f "$root"/var/log/*.log "$root/var/cache/ldconfig/aux-cache" "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old

# Whatever mirror it was built from may be nobody else's.
rm -f "$root"/etc/apt/sources.list.d/*
{
  echo "deb http://deb.debian.org/debian $suite main"
  case $suite in
  sid | unstable) ;;
  *)
    echo "deb http://deb.debian.org/debian $suite-updates main"
    echo "deb http://security.debian.org/debian-security $suite-security main"
    ;;
  esac
} >"$root/etc/apt/sources.list"
`;
