#!/bin/sh
# Runs a first boot on a host of its own, inside a fresh mount namespace: /etc is a copy, /run and /dev are empty but for
# what is named. Usage: namespace.sh WORLD HOOK systemd|- empty-kvm|-
set -eu
export WORLD="$1"
hook=$2 systemd=$3 kvm=$4
mount --bind "$WORLD/etc" /etc
mkdir -p "$WORLD/dev"
mount -t tmpfs -o mode=755 first-boot-dev "$WORLD/dev"
for node in null zero urandom; do
  : >"$WORLD/dev/$node"
  mount --bind "/dev/$node" "$WORLD/dev/$node"
done
[ "$kvm" = - ] || : >"$WORLD/dev/kvm"
mount --move "$WORLD/dev" /dev
mount -t tmpfs -o mode=755 first-boot-run /run
[ "$systemd" = - ] || mkdir -p /run/systemd/system
echo $$ >"$WORLD/pid"
exec "$hook"
