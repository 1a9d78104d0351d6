#!/bin/sh
# Makes a directory with a whole Debian in it the file system of a service, as the service manager does by the words of a
# unit, and becomes a program in there. Inside a fresh mount namespace. Usage:
# unit-root.sh ROOT LIBVIRT all|WRITABLE PRIVATE KERNEL PROGRAM [ARGUMENT...]
#   LIBVIRT   directory that is /run/libvirt in there
#   WRITABLE  paths in ROOT, separated by blanks: all else is read-only (ProtectSystem=strict, ReadWritePaths=)
#   PRIVATE   paths that are empty and its own, separated by blanks (PrivateTmp=, ProtectHome=)
#   KERNEL    ro or rw: what /proc/sys is (ProtectKernelTunables=)
set -eu
root=$1 libvirt=$2 writable=$3 private=$4 kernel=$5
shift 5

mount --rbind "$root" "$root"
mount --rbind /proc "$root/proc"
if [ "$kernel" = ro ]; then
  mount --bind /proc/sys "$root/proc/sys"
  mount -o remount,bind,ro "$root/proc/sys"
fi
mkdir -p "$root/run/libvirt"
mount --bind "$libvirt" "$root/run/libvirt"

mount -t tmpfs -o mode=755 unit-dev "$root/dev"
for node in null zero full random urandom tty; do
  : >"$root/dev/$node"
  mount --bind "/dev/$node" "$root/dev/$node"
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/shm"
mount -t tmpfs -o mode=1777 unit-shm "$root/dev/shm"

if [ "$writable" != all ]; then
  for path in $writable; do mount --bind "$root$path" "$root$path"; done
  for path in "$root" "$root/run/libvirt"; do mount -o remount,bind,ro "$path"; done
fi
for path in $private; do
  case $path in
    /tmp | /var/tmp) mount -t tmpfs -o mode=1777 unit-private "$root$path" ;;
    *) mount -t tmpfs -o mode=0,ro unit-private "$root$path" ;;
  esac
done
cd "$root"
exec chroot "$root" "$@"
