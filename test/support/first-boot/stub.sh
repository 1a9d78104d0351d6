#!/bin/sh
# Stands for the programs of a host that a first boot calls, under each of their names. What there is of the host lies in
# files below $WORLD: `installed` (packages), `locked` (how often apt finds its lock taken), `network` (of libvirt),
# `guests`, `deaf` (libvirt does not answer), `kvm` (how qemu behaves). `cut` names a call that kills the hook.
name=${0##*/}
call="$name $*"
case $name in dpkg-query) ;; *) echo "$call" >>"$WORLD/calls" ;; esac

if [ -s "$WORLD/cut" ] && case $call in *"$(cat "$WORLD/cut")"*) true ;; *) false ;; esac then
  rm "$WORLD/cut"
  kill -KILL "$(cat "$WORLD/pid")"
  exit 137
fi

packages() { sed 's/.*/ &=installed /' "$WORLD/installed"; }

apt() {
  left=$(cat "$WORLD/locked" 2>/dev/null || echo 0)
  if [ "$left" -gt 0 ]; then
    echo $((left - 1)) >"$WORLD/locked"
    echo 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1 (unattended-upgr)' >&2
    exit 100
  fi
  case $call in *' install '*) ;; *) exit 0 ;; esac
  for package; do
    case $package in -* | *=* | install | */*) ;; *) echo "$package" >>"$WORLD/installed" ;; esac
  done
  exec >&2 && echo 'Setting up packages'
}

libvirt() {
  [ ! -e "$WORLD/deaf" ] || exit 1
  case $call in
    *net-list*) [ ! -e "$WORLD/network" ] || echo ' default' ;;
    *net-destroy*) rm -f "$WORLD/network" ;;
    *'list --all --name'*) cat "$WORLD/guests" 2>/dev/null || true ;;
    *'domiflist --domain unknown'*) exit 1 ;;
    *'domiflist --domain on-default'*) echo ' vnet0   network   default   virtio   52:54:00:00:00:01' ;;
    *domiflist*) echo ' vnet0   bridge   br0   virtio   52:54:00:00:00:01' ;;
  esac
}

qemu() {
  case $(cat "$WORLD/kvm") in
    works) exit 33 ;;
    refused) echo 'Could not access KVM kernel module' >&2 && exit 1 ;;
    dead) trap '' TERM && while :; do sleep 1; done ;;
    translated)
      # The same guest, on a processor that is there in every laboratory.
      shift 2 && exec /usr/bin/qemu-system-x86_64 -accel tcg "$@"
      ;;
  esac
}

case $name in
  dpkg-query) packages ;;
  apt-get) apt "$@" ;;
  virsh) libvirt ;;
  systemctl) case $call in *'list-unit-files libvirtd.service'*) echo 'libvirtd.service enabled enabled' ;; esac ;;
  modprobe) exit 1 ;;
  qemu-system-x86_64) qemu "$@" ;;
esac
