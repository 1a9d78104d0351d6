import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { type DummyPackage, makeDummy, withVersion } from '../lab/debian-package.ts';
import { type DebianRoot, provideDebianRoot } from '../lab/debian-root.ts';
import { providePackage } from '../lab/our-package.ts';

/** Packages to install, and copies of a Debian to install them in. */
export interface PackageLab {
  /** What build-deb.sh made. */
  readonly deb: string;
  /** The same under another version. */
  readonly older: string;
  readonly newer: string;
  /** A host on which everything that ours depends on has been installed. */
  host(): Promise<DebianRoot>;
  dummy(dummy: DummyPackage): Promise<string>;
  clean(): Promise<void>;
}

export const PACKAGE = 'blockhost-provisioner-libvirt';

const common = 'usr/lib/python3/dist-packages/blockhost/__init__.py';
const dependencies: readonly DummyPackage[] = [
  { name: 'blockhost-common', version: '0.1.0', files: { [common]: '' } },
  // Debian 12's own version. It brings no program here: on a new host Node comes after us.
  { name: 'nodejs', version: '18.19.0+dfsg-6~deb12u2' },
  { name: 'python3', version: '3.11.2-1+b1' },
];

/** Builds the package and prepares the host, both once. */
export const openPackageLab = async (): Promise<PackageLab> => {
  const work = await mkdtemp(join(tmpdir(), 'package-'));
  const deb = await providePackage(work);
  const base = await (await provideDebianRoot()).copy(join(work, 'base'));
  // Nothing here has to outlive a power cut.
  await base.write('etc/dpkg/dpkg.cfg.d/lab', 'force-unsafe-io\n');
  const debs = await Promise.all(dependencies.map((one) => makeDummy(work, one)));
  await install(base, ...debs);
  let hosts = 0;
  return {
    deb,
    older: await withVersion(deb, '0.0.9', work),
    newer: await withVersion(deb, '0.1.1', work),
    host: () => base.copy(join(work, `host-${++hosts}`)),
    dummy: (one) => makeDummy(work, one),
    clean: () => rm(work, { recursive: true, force: true }),
  };
};

/** `dpkg --install`, and how it ended. */
export const tryInstall = async (host: DebianRoot, ...debs: readonly string[]) => {
  await execa('cp', [...debs, join(host.dir, 'tmp')]);
  return host.run('dpkg', '--install', ...debs.map((deb) => `/tmp/${basename(deb)}`));
};

/** The same where it has to succeed, without a word of complaint. */
export const install = async (host: DebianRoot, ...debs: readonly string[]): Promise<void> => {
  const { exitCode, said } = await tryInstall(host, ...debs);
  if (exitCode !== 0 || /warning|error|not found/i.test(said))
    throw new Error(`dpkg --install: exit ${exitCode}: ${said}`);
};

/** A systemd and a libvirt that only write down what is asked of them. */
export const pretendSystemd = async (
  host: DebianRoot,
): Promise<{ readonly asked: () => Promise<readonly string[]> }> => {
  const notes = (name: string): string => `#!/bin/sh\necho "${name} $*" >>/asked\n`;
  await host.write(
    'usr/bin/systemctl',
    `${notes('systemctl')}case "$*" in *is-enabled*) echo enabled ;; esac\n`,
    0o755,
  );
  await host.write('usr/bin/virsh', notes('virsh'), 0o755);
  await host.sh('mkdir -p /run/systemd/system');
  return {
    /** What it was told to do since the last time, without flags; questions and reloads left out. */
    asked: async () => {
      const lines = (await host.out('touch /asked; cat /asked; : >/asked')).split('\n');
      const told = lines.map((line) => line.replaceAll(/ --\S+/g, ''));
      return told.filter((line) => line !== '' && !/ (is-enabled|is-active|show|cat|daemon-reload)\b/.test(line));
    },
  };
};
