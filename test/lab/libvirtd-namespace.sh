#!/bin/sh
# Runs inside fresh mount and pid namespaces (see libvirtd-process.ts): gives libvirtd directories of its own, then keeps it
# running until told otherwise. Usage: libvirtd-namespace.sh DIR BRIDGE|- KVM|- STATE|-
# With a BRIDGE the network namespace is a fresh one, too, and the bridge is made there. STATE is seen as /var/lib/blockhost.
set -eu
dir=$1 bridge=$2 kvm=$3 state=$4

mount -t proc proc /proc
if [ "$state" != - ]; then
  # This machine need not have the place to mount on, and gets none.
  mount -t tmpfs -o mode=755 lab-lib /var/lib
  mkdir /var/lib/libvirt /var/lib/blockhost
  mount --bind "$state" /var/lib/blockhost
fi
# All of /run: no D-Bus, so nothing is registered with systemd-machined; no virtlogd; no socket of another libvirt.
for path in run etc/libvirt var/lib/libvirt var/cache/libvirt var/log/libvirt; do
  mkdir -p "$dir/$path"
  mount --bind "$dir/$path" "/$path"
done

# A /dev without kvm. Present but unusable for qemu's user, it makes libvirt probe qemu again at every define (4-15 s);
# present and broken, it hangs a guest. Without the node libvirt offers TCG at once.
mkdir -p "$dir/dev"
mount -t tmpfs -o mode=755 lab-dev "$dir/dev"
mkdir "$dir/dev/pts" "$dir/dev/shm" "$dir/dev/net"
[ "$kvm" = - ] || kvm=kvm
for node in null zero full random urandom tty net/tun $kvm; do
  [ -e "/dev/$node" ] || continue
  : >"$dir/dev/$node"
  mount --bind "/dev/$node" "$dir/dev/$node"
done
# A console is a pty of the instance that libvirtd and qemu see.
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 lab-pts "$dir/dev/pts"
ln -s pts/ptmx "$dir/dev/ptmx"
mount -t tmpfs -o mode=1777 lab-shm "$dir/dev/shm"
for link in fd stdin stdout stderr; do ln -s "$(readlink "/dev/$link")" "$dir/dev/$link"; done
mount --move "$dir/dev" /dev

if [ "$bridge" != - ]; then
  # The sysfs of the host shows the host's network; a port is isolated through the one of this namespace.
  umount -R -l /sys/fs/cgroup 2>/dev/null || true
  mount -t sysfs lab-sys /sys
  ip link set lo up
  ip link add "$bridge" type bridge
  ip addr add 10.77.0.1/24 dev "$bridge"
  ip addr add fd77::1/64 dev "$bridge" nodad
  ip link set "$bridge" up
fi

# No cgroups either: they are the one thing that outlives the namespaces.
umount -R -l /sys/fs/cgroup 2>/dev/null || true

# The files in control/ are the switches: `down` keeps libvirtd away while guests run on.
while :; do
  if [ -e "$dir/control/down" ]; then
    sleep 0.1
  else
    libvirtd >>"$dir/libvirtd.log" 2>&1 || sleep 0.3
  fi
done
