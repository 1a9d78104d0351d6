import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LocalPackage } from '../../domain/template.ts';
import { runTool } from './run-tool.ts';

/** Packages whose releases an operator asks for; the kernel's carries its release in its name. */
const telling = new Set(['cloud-init', 'qemu-guest-agent', 'systemd', 'openssh-server']);
const KERNEL = /^linux-image-\d/;

/** Releases of what matters in a root file system, and of every local package. */
export const versionsIn = async (
  root: string,
  localPackages: readonly LocalPackage[],
  signal: AbortSignal,
): Promise<Record<string, string>> => {
  const admin = join(root, 'var/lib/dpkg');
  const text = await runTool(['dpkg-query', `--admindir=${admin}`, '-W', '-f', `\${Package} \${Version}\n`], {
    signal,
  });
  const local = new Set(localPackages.map(({ name }) => name));
  const debian = await readFile(join(root, 'etc/debian_version'), 'utf8');
  return Object.fromEntries([
    ['debian', debian.trim()],
    ...text
      .split('\n')
      .map((line) => line.split(' '))
      .flatMap(([name = '', version = '']) => {
        if (KERNEL.test(name)) return [['kernel', `${name.slice('linux-image-'.length)} (${version})`]];
        return telling.has(name) || local.has(name) ? [[name, version]] : [];
      }),
  ]);
};
