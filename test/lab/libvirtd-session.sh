#!/bin/sh
# The same for a user who may not make namespaces: a session libvirtd with XDG directories of its own.
# Usage: libvirtd-session.sh DIR. Run under `tini -s -g`; ends everything it started when it gets SIGTERM.
dir=$1
export XDG_CONFIG_HOME="$dir/etc" XDG_CACHE_HOME="$dir/var/cache" XDG_DATA_HOME="$dir/var/lib" XDG_RUNTIME_DIR="$dir/run"

# qemu daemonises out of every process group; libvirt's pid files know them all.
end() {
  for file in "$dir"/run/libvirt/qemu/run/*.pid; do
    [ -e "$file" ] && kill -KILL "$(cat "$file")" 2>/dev/null
  done
  [ -n "${libvirtd:-}" ] && kill -KILL "$libvirtd" 2>/dev/null
  sleep 0.3 # for tini to reap them
  exit 0
}
trap end TERM INT HUP

while :; do
  if [ -e "$dir/control/down" ]; then
    sleep 0.1
  else
    libvirtd >>"$dir/libvirtd.log" 2>&1 &
    libvirtd=$!
    wait "$libvirtd" || sleep 0.3
  fi
done
