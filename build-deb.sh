#!/usr/bin/env bash
# Builds build/blockhost-provisioner-libvirt_<version>_all.deb: the same bytes from the same sources. Node 18.19 or newer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

fail() {
  echo "build-deb.sh: $1" >&2
  exit 1
}

missing=()
for pair in dh:debhelper dpkg-buildpackage:dpkg-dev node:nodejs npm:npm; do
  command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
done
[ ${#missing[@]} -eq 0 ] || fail "Debian packages are missing; as root: apt-get install ${missing[*]}"

node test/lab/bootstrap.mjs modules >&2
node debian/bundle.mjs >&2

# Away from the sources: debhelper leaves its traces where it works, and dpkg puts the package one level above that.
stage=build/stage
rm -rf "$stage" build/*.deb
mkdir -p "$stage/dist"
cp -r debian systemd provisioner.json package.json README.md ARCHITECTURE.md "$stage"
[ ! -d hooks ] || cp -r hooks "$stage"
cp -r dist/{bin,lib,man,completion} "$stage/dist"

# -d: what is needed was looked for above, and Node need not come from a package.
log=build/build.log
if ! (cd "$stage" && umask 022 && LC_ALL=C dpkg-buildpackage -b -us -uc -nc -d) >"$log" 2>&1; then
  cat "$log" >&2
  fail 'dpkg-buildpackage failed'
fi
rm -rf "$stage"
ls build/*.deb
