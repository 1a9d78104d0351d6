#!/bin/sh
# Tells what a service may do: one line for each place that it can write to, then what else it tried and how that ended.
# Usage: unit-probe.sh PATH...
set -u
for path in "$@"; do
  if (: >"$path/.probe") 2>/dev/null; then
    echo "writes $path"
    rm -f "$path/.probe"
  fi
done
LC_ALL=C touch /srv/open/.probe 2>&1 | sed "s/.*: /an open directory: /"
echo kept >/tmp/of-a-service
setpriv --reuid=0 true 2>/dev/null && echo "becomes root"
mount -t tmpfs none /mnt 2>/dev/null && echo "mounts"
python3 -c 'import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)' 2>/dev/null && echo "opens other sockets"
id -un
id -Gn
grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status
exit 0
