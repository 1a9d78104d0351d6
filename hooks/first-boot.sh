#!/usr/bin/env bash
# Prepares this host for machines on libvirt and KVM. The host's own first boot runs it as root, once or as often as it likes:
# what is done is not done again, and what was cut off is finished.
#
#   STATE_DIR  where the markers .step-libvirt and .step-kvm-check go (/var/lib/blockhost)
#   LOG_FILE   gets every line that is said (/var/log/blockhost-firstboot.log)
#
# Exit 0: ready. Exit 1: this host cannot run machines yet, and the last line says what to do. A host without KVM is a slow
# host and not a failure. Needs neither Node nor a running systemd.
set -euo pipefail

STATE_DIR=${STATE_DIR:-/var/lib/blockhost}
LOG_FILE=${LOG_FILE:-/var/log/blockhost-firstboot.log}

# How patient it is. A fresh host has unattended-upgrades at work and a network that comes and goes.
APT_ATTEMPTS=${BLOCKHOST_APT_ATTEMPTS:-8}
APT_PAUSE_SECONDS=${BLOCKHOST_APT_PAUSE_SECONDS:-15}
APT_LOCK_SECONDS=${BLOCKHOST_APT_LOCK_SECONDS:-120}
LIBVIRT_WAIT_SECONDS=${BLOCKHOST_LIBVIRT_WAIT_SECONDS:-60}
KVM_WAIT_SECONDS=${BLOCKHOST_KVM_WAIT_SECONDS:-15}

PACKAGES=(qemu-system-x86 qemu-utils libvirt-daemon-system libvirt-clients cloud-image-utils genisoimage)
PACKAGES+=(iproute2 iptables e2fsprogs mmdebstrap)
USER_NAME=blockhost
LOG=''

# Files, not pipes: a service that a package starts may keep what it was given open for ever.
say() {
  local line
  line="$(date -u +%Y-%m-%dT%H:%M:%SZ) [provisioner-libvirt] $*"
  printf '%s\n' "$line"
  [[ -z $LOG ]] || printf '%s\n' "$line" >>"$LOG"
}

# Runs a program with its words in the log alone, or among ours where there is none.
logged() {
  if [[ -n $LOG ]]; then "$@" >>"$LOG" 2>&1; else "$@" 2>&1; fi
}

stop() {
  say "ERROR: $*"
  exit 1
}

# A log that cannot be written is no reason to stop.
open_log() {
  mkdir -p "$(dirname "$LOG_FILE")" 2>/dev/null || true
  if (: >>"$LOG_FILE") 2>/dev/null; then LOG=$LOG_FILE; else say "cannot write $LOG_FILE; going on without it"; fi
}

# A marker is there with its words or not at all.
mark() {
  printf '%s\n' "${2:-done}" >"$STATE_DIR/.$1.new"
  sync "$STATE_DIR/.$1.new"
  mv -f "$STATE_DIR/.$1.new" "$STATE_DIR/.$1"
}

systemd_runs() {
  [[ -d /run/systemd/system ]]
}

libvirt_answers() {
  timeout -k 2 10 virsh -q -c qemu:///system uri >/dev/null 2>&1
}

# In one line, each followed by a space.
missing_packages() {
  local package known
  # shellcheck disable=SC2016 # dpkg-query's own placeholders
  known=$(dpkg-query -W -f ' ${Package}=${db:Status-Status} ' "${PACKAGES[@]}" 2>/dev/null) || true
  for package in "${PACKAGES[@]}"; do
    [[ $known == *" $package=installed "* ]] || printf '%s ' "$package"
  done
}

apt_get() {
  logged timeout -k 60 3600 env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 LC_ALL=C \
    apt-get -q -y -o "DPkg::Lock::Timeout=$APT_LOCK_SECONDS" -o Acquire::Retries=3 -o Acquire::http::Timeout=60 \
    -o Dpkg::Options::=--force-confold "$@" </dev/null
}

# One attempt, with something missing. What an earlier run left half configured is finished first, else apt refuses everything.
try_to_install() {
  local -a missing
  read -r -a missing <<<"$(missing_packages)"
  if [[ -n $(dpkg --audit 2>/dev/null) ]]; then
    say 'finishing what an interrupted installation left'
    logged env DEBIAN_FRONTEND=noninteractive dpkg --force-confold --configure -a </dev/null || true
  fi
  apt_get update || say 'apt-get update failed; trying with the package lists that are here'
  say "installing ${missing[*]}"
  apt_get install --no-install-recommends "${missing[@]}" || return 1
  [[ -z $(missing_packages) ]]
}

install_packages() {
  local attempt
  [[ -n $(missing_packages) ]] || return 0
  command -v apt-get >/dev/null || stop "this is not Debian: install $(missing_packages)by other means, then run this again"
  for ((attempt = 1; attempt <= APT_ATTEMPTS; attempt++)); do
    try_to_install && return
    ((attempt < APT_ATTEMPTS)) || break
    say "packages are not installed yet (attempt $attempt of $APT_ATTEMPTS); again in $APT_PAUSE_SECONDS s"
    sleep "$APT_PAUSE_SECONDS"
  done
  stop "not installed after $APT_ATTEMPTS attempts: $(missing_packages)- see to the network and to apt-get, then run this again"
}

ensure_user() {
  getent group "$USER_NAME" >/dev/null || groupadd --system "$USER_NAME"
  getent passwd "$USER_NAME" >/dev/null ||
    useradd --system --gid "$USER_NAME" --home-dir "$STATE_DIR" --no-create-home --shell /usr/sbin/nologin "$USER_NAME"
  getent group libvirt >/dev/null || groupadd --system libvirt
  usermod -a -G libvirt "$USER_NAME"
}

# The user and the group may do everything here; qemu, a stranger to both, goes through to a path that it was told.
ensure_directories() {
  local directory
  for directory in "$STATE_DIR" "$STATE_DIR/vms" "$STATE_DIR/provisioner" "$STATE_DIR/provisioner/bases"; do
    if [[ ! -d $directory ]]; then
      install -d -o "$USER_NAME" -g "$USER_NAME" -m 2771 "$directory"
    elif [[ $(stat -c %U "$directory") == root ]]; then
      chown "$USER_NAME:$USER_NAME" "$directory"
      chmod g+rwxs,o+x "$directory"
    else
      chmod o+x "$directory"
    fi
  done
}

# Debian's libvirt is one daemon; newer ones may come as several.
libvirt_unit() {
  local unit
  for unit in libvirtd.service virtqemud.socket; do
    if systemctl list-unit-files "$unit" 2>/dev/null | grep -q "^$unit"; then
      printf '%s\n' "$unit"
      return
    fi
  done
}

start_libvirt() {
  local unit=''
  ! command -v systemctl >/dev/null || unit=$(libvirt_unit)
  [[ -z $unit ]] || logged systemctl enable "$unit" || say "systemctl enable $unit failed"
  if ! systemd_runs; then
    say 'systemd does not run here: libvirt is installed, and not started'
    return
  fi
  [[ -n $unit ]] || stop 'libvirt has no service here; reinstall libvirt-daemon-system, then run this again'
  logged systemctl start "$unit" || say "systemctl start $unit failed"
  local waited
  for ((waited = 0; waited < LIBVIRT_WAIT_SECONDS; waited++)); do
    libvirt_answers && return
    sleep 1
  done
  stop "libvirt does not answer after $LIBVIRT_WAIT_SECONDS s; look at: journalctl -u $unit"
}

ask_virsh() {
  timeout -k 2 30 virsh -q -c qemu:///system "$@" 2>/dev/null
}

# The first domain that needs the network `default`, or the one that could not be asked: not known is not no.
user_of_default_network() {
  local names name cards
  names=$(ask_virsh list --all --name) || {
    printf 'somebody whom libvirt does not name\n'
    return
  }
  while read -r name; do
    [[ -n $name ]] || continue
    if ! cards=$(ask_virsh domiflist --domain "$name") || grep -Eq ' (network +default|bridge +virbr0) ' <<<"$cards "; then
      printf '%s\n' "$name"
      return
    fi
  done <<<"$names"
}

# Its bridge would be taken for the host's own. Who has guests on it wants it.
quiet_default_network() {
  if ! libvirt_answers; then
    rm -f /etc/libvirt/qemu/networks/autostart/default.xml
    return
  fi
  ask_virsh net-info default >/dev/null || return 0
  local user
  user=$(user_of_default_network)
  if [[ -n $user ]]; then
    say "the network 'default' stays as it is for $user"
    return
  fi
  ask_virsh net-autostart default --disable >/dev/null || say "the network 'default' may start with the host"
  if ask_virsh net-list --name | grep -qx ' *default *'; then
    ask_virsh net-destroy default >/dev/null || say "the network 'default' is still active"
  fi
}

step_libvirt() {
  install_packages
  ensure_user
  ensure_directories
  start_libvirt
  quiet_default_network
}

hex() {
  local byte
  for byte in "$@"; do printf '%b' "\\x$byte"; done
}

# Firmware of 64 KiB: into 32-bit protected mode (processors without unrestricted guests emulate real mode), a count down from
# 2^26, and out by the exit device with 16, which qemu turns into exit code 33. What only emulates, or hangs, takes too long.
probe_rom() {
  head -c $((0xff00)) /dev/zero
  hex fa 66 2e 0f 01 16 40 ff 0f 20 c0 0c 01 0f 22 c0 66 ea 18 ff ff ff 08 00 # cli; lgdt; cr0.PE; jmp 8:ffffff18
  hex b9 00 00 00 04 49 75 fd b0 10 e6 f4 f4 eb fd 90 90 90 90 90 90 90 90 90 # count; out f4, 16; hlt
  hex 00 00 00 00 00 00 00 00 ff ff 00 00 00 9b cf 00                         # descriptors: null, flat code
  hex 0f 00 30 ff ff ff 90 90                                                 # their limit and address
  head -c $((0xfff0 - 0xff48)) /dev/zero
  hex e9 0d ff 90 90 90 90 90 90 90 90 90 90 90 90 90 # the processor starts here: jmp ff00
}

# Prints how a guest of one instruction loop ends on KVM: its exit code, or `hangs`. A dead /dev/kvm can hold a process that
# even SIGKILL does not end, so nobody waits for it.
run_on_kvm() {
  local -r rom=$1/probe.rom
  probe_rom >"$rom"
  timeout -k 2 "$KVM_WAIT_SECONDS" qemu-system-x86_64 -accel kvm -machine pc -m 16 -nodefaults -display none -no-reboot \
    -bios "$rom" -device isa-debug-exit,iobase=0xf4,iosize=4 </dev/null >"$1/said" 2>&1 &
  local -r qemu=$!
  local tenths
  for ((tenths = 0; tenths < (KVM_WAIT_SECONDS + 4) * 10; tenths++)); do
    if ! kill -0 "$qemu" 2>/dev/null; then
      local code=0
      wait "$qemu" || code=$?
      printf '%s\n' "$code"
      return
    fi
    sleep 0.1
  done
  disown "$qemu"
  printf 'hangs\n'
}

check_kvm() {
  if [[ ! -e /dev/kvm ]] && command -v modprobe >/dev/null; then
    timeout -k 2 20 modprobe -q kvm_intel 2>/dev/null || timeout -k 2 20 modprobe -q kvm_amd 2>/dev/null || true
  fi
  if [[ ! -e /dev/kvm ]]; then
    KVM='missing: there is no /dev/kvm; switch on VT-x or AMD-V in the firmware, or nested virtualisation on the host above'
    return
  fi
  local work code
  work=$(mktemp -d)
  code=$(run_on_kvm "$work")
  case $code in
    33) KVM='works: a guest executed on it' ;;
    124 | 137 | hangs) KVM="dead: /dev/kvm is there, and a guest executed nothing within $KVM_WAIT_SECONDS s" ;;
    *) KVM="refused: qemu ended with $code: $(tr '\n' ' ' <"$work/said" | cut -c 1-300)" ;;
  esac
  rm -rf "$work"
}

step_kvm_check() {
  check_kvm
  say "KVM $KVM"
  [[ $KVM == works* ]] || say 'WARNING: machines are emulated on this host, many times slower than on hardware'
}

main() {
  if [[ ! -f $STATE_DIR/.step-libvirt ]]; then
    say 'step libvirt: packages, user, directories, service'
    step_libvirt
    mark step-libvirt
  fi
  if [[ ! -f $STATE_DIR/.step-kvm-check ]]; then
    say 'step kvm-check'
    step_kvm_check
    mark step-kvm-check "$KVM"
  fi
  say 'ready for machines'
}

((EUID == 0)) || stop 'this must run as root'
mkdir -p "$STATE_DIR" || stop "cannot make $STATE_DIR; free the path, then run this again"
open_log
main
