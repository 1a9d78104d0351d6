#!/bin/sh
# Runs the daemon of a test host in what its systemd unit makes of a host, as far as that goes without systemd: everything
# read-only but its two directories and a /tmp of its own, few devices, no capabilities, no new privileges, and the unit's
# system calls. Inside a fresh mount namespace. Usage: unit-sandbox.sh FILTER UNIT HOST PROGRAM [ARGUMENT...]
set -eu
filter=$1 unit=$2 host=$3
shift 3

for path in "$host/var/lib/blockhost" "$host/run/blockhost-provisioner"; do mount --rbind "$path" "$path"; done
mkdir -p "$host/private/dev" "$host/private/tmp"
mount -t tmpfs -o mode=755 unit-dev "$host/private/dev"
for node in null zero full random urandom tty; do
  : >"$host/private/dev/$node"
  mount --bind "/dev/$node" "$host/private/dev/$node"
done
ln -s /proc/self/fd "$host/private/dev/fd"
mount --move "$host/private/dev" /dev
cut -d ' ' -f 5 /proc/self/mountinfo | while read -r path; do
  case $path in
    "$host/var/lib/blockhost"* | "$host/run/blockhost-provisioner"* | /dev*) ;;
    *) mount -o remount,bind,ro "$path" 2>/dev/null || true ;;
  esac
done
mount -t tmpfs -o mode=1777 unit-tmp "$host/private/tmp"
export TMPDIR="$host/private/tmp"

for path in /etc /usr "$host/etc" "$host"; do
  if touch "$path/.written" 2>/dev/null; then
    echo "$path is writable in here" >&2
    exit 1
  fi
done
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all python3 "$filter" "$unit" "$@"
