#!/bin/sh
# Runs inside the namespaces of a libvirtd of the laboratory (see polkit.ts): gives them a user `blockhost` in group libvirt,
# as our package expects him, programs that he can read, and a D-Bus with a polkitd that nobody else sees.
# Usage: polkit-namespace.sh DIR UID NODE PROGRAMS
# Below DIR: rules.d, which polkitd reads; the rest is made here.
set -eu
dir=$1 uid=$2 node=$3 programs=$4

sed '/^blockhost:/d' /etc/passwd >"$dir/passwd"
echo "blockhost:x:$uid:$uid::/nonexistent:/usr/sbin/nologin" >>"$dir/passwd"
sed '/^blockhost:/d; s/^\(libvirt:[^:]*:[^:]*:\).*/\1blockhost/' /etc/group >"$dir/group"
echo "blockhost:x:$uid:" >>"$dir/group"
mount --bind "$dir/passwd" /etc/passwd
mount --bind "$dir/group" /etc/group
mount --bind "$dir/rules.d" /etc/polkit-1/rules.d

# Where they lie, another user may not be able to go.
mkdir -p /run/dbus /run/lab/programs
: >/run/lab/node
mount --bind "$node" /run/lab/node
mount --bind "$programs" /run/lab/programs

dbus-daemon --system --nofork --nopidfile &
until [ -S /run/dbus/system_bus_socket ]; do sleep 0.05; done
exec /usr/lib/polkit-1/polkitd
