// Debian packages: which are missing, the one question, and an installation that starts no service.

import { chmodSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, say } from './run.mjs';

const lockWaitSeconds = 180;

// What packages enable for the next boot, or for whoever calls. Masked, they bring programs and nothing that runs. dbus is
// not among them: what comes with it to let people log in waits for it.
const libvirtUnits = [
  ...['libvirtd', 'virtlogd', 'virtlockd', 'libvirt-guests'].map((name) => `${name}.service`),
  ...['libvirtd', 'libvirtd-ro', 'libvirtd-admin', 'libvirtd-tls', 'libvirtd-tcp'].map((name) => `${name}.socket`),
  ...['virtlogd', 'virtlogd-admin', 'virtlockd', 'virtlockd-admin'].map((name) => `${name}.socket`),
];
const unitsOf = { 'libvirt-daemon-system': libvirtUnits, polkitd: ['polkit.service'] };

/**
 * Sees to it that the wanted packages are there: asks once on a terminal, goes ahead without one or with `yes`.
 * Without root or sudo it prints the one command to run. False when they are not there in the end.
 */
export async function provideAsRoot({ wanted, yes, entry }) {
  const missing = await missingPackages(wanted);
  if (missing.length === 0) return true;
  const command = [process.execPath, entry, 'packages', '--yes'];
  const prefix = await rootPrefix();
  if (prefix === undefined) {
    say(
      `These Debian packages are missing: ${missing.join(' ')}\nRun this as root, then try again:\n  ${command.join(' ')}`,
    );
    return false;
  }
  if (!(await agreed(missing, yes))) return false;
  if (prefix.length === 0) return (await installPackages(wanted)) === 0;
  return (await run([...prefix, ...command])).code === 0;
}

/** Installs what is missing, as root, with services masked and not started; resolves to an exit code. */
export async function installPackages(wanted) {
  const missing = await missingPackages(wanted);
  if (missing.length === 0) return 0;
  if (process.getuid() !== 0) {
    say('Installing Debian packages needs root.');
    return 1;
  }
  const restore = forbidServiceStarts();
  try {
    await maskUnits(missing.flatMap((name) => unitsOf[name] ?? []));
    const updated = await apt(['update'], 'apt-get update');
    if (updated.code !== 0) say('apt-get update failed; trying with the package lists that are here');
    say(`installing ${missing.join(' ')}`);
    const { code, output } = await apt(['install', '-y', '--no-install-recommends', ...missing], 'apt-get install');
    if (code !== 0) say(`${output.trimEnd()}\napt-get install failed with exit code ${code}.`);
    return code === 0 ? 0 : 1;
  } finally {
    restore();
  }
}

async function missingPackages(wanted) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const { output } = await run(['dpkg-query', '-W', '-f', '${Package} ${db:Status-Status}\n', ...wanted], {
    quiet: true,
  });
  const installed = new Set([...output.matchAll(/^(\S+) installed$/gm)].map(([, name]) => name));
  return wanted.filter((name) => !installed.has(name));
}

async function rootPrefix() {
  if (process.getuid() === 0) return [];
  if (process.stdin.isTTY === true)
    return (await run(['sudo', '-V'], { quiet: true })).code === 0 ? ['sudo'] : undefined;
  return (await run(['sudo', '-n', 'true'], { quiet: true })).code === 0 ? ['sudo', '-n'] : undefined;
}

async function agreed(missing, yes) {
  if (yes || process.stdin.isTTY !== true) return true;
  say(`These Debian packages are missing and will be installed, with their services masked:\n  ${missing.join(' ')}`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = (await terminal.question('Go ahead? [Y/n] ')).trim().toLowerCase();
  terminal.close();
  return answer === '' || answer === 'y' || answer === 'yes';
}

// A held lock (unattended-upgrades on a fresh machine) is waited for, but not for ever.
async function apt(args, label) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const command = ['apt-get', '-q', '-o', `DPkg::Lock::Timeout=${lockWaitSeconds}`, ...args];
  const deadlineMs = Date.now() + lockWaitSeconds * 1000;
  for (;;) {
    const result = await run(command, { quiet: true, label, env });
    const locked = /Could not get lock|Unable to lock directory/.test(result.output);
    if (result.code === 0 || !locked) return result;
    if (Date.now() > deadlineMs) {
      say(`another package manager has held its lock for ${lockWaitSeconds} s; try again when it is done`);
      return result;
    }
    say('another package manager is at work; waiting for it');
    await sleep(5_000);
  }
}

// Exit code 101 is policy-rc.d's "action forbidden". A policy that was there is put back as it was.
function forbidServiceStarts() {
  const policy = '/usr/sbin/policy-rc.d';
  const kept = `${policy}.kept-by-blockhost-lab`;
  if (existsSync(policy) && !existsSync(kept)) renameSync(policy, kept);
  writeFileSync(policy, '#!/bin/sh\nexit 101\n');
  chmodSync(policy, 0o755);
  const restore = () => {
    rmSync(policy, { force: true });
    if (existsSync(kept)) renameSync(kept, policy);
    process.off('exit', restore);
  };
  process.on('exit', restore);
  return restore;
}

// `systemctl mask` only writes links, also where systemd is not running. Without systemctl nothing would start at boot.
async function maskUnits(units) {
  if (units.length === 0) return;
  if ((await run(['systemctl', '--version'], { quiet: true })).code !== 0) return;
  const { code, output } = await run(['systemctl', 'mask', ...units], { quiet: true, label: 'systemctl mask' });
  if (code !== 0) say(`systemctl mask: ${output.trimEnd()}`);
}
