import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { bundle } from '../unit/cli/bundled.ts';
import { cacheDir, withCacheLock } from './cache.ts';
import { repositoryPath } from './repository.ts';

/** A base of Debian packages, built by `blockhost-build-template` itself. */
export interface DebianTemplate {
  /** What the command left in `/var/lib/blockhost/provisioner/bases`: a copy of it there is a host with that template. */
  readonly basesDir: string;
  /** Of the image: `sha256:…`. */
  readonly digest: string;
  readonly image: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly commandLine: string;
  readonly versions: Readonly<Record<string, string>>;
  /** How long it took when it was built. */
  readonly tookMs: number;
  /** What it printed then. */
  readonly stdout: string;
  readonly stderr: string;
}

/** The one local package of the template: a file, /usr/share/lab-login/mark. */
export const labPackage = { name: 'lab-login', version: '1.2', mark: '/usr/share/lab-login/mark' };

const sources = [
  'src/domain/cloud-init/vendor-data.ts',
  'src/domain/template.ts',
  'src/drivers/template/recipe.ts',
  'src/drivers/template/build-from-packages.ts',
];

/** Provides the template from the laboratory's cache; builds it first, which takes minutes, where it is not there. Root only. */
export async function buildDebianTemplate(): Promise<DebianTemplate> {
  const hash = createHash('sha256');
  for (const path of sources) hash.update(readFileSync(repositoryPath(path)));
  const target = join(cacheDir(), `debian-${hash.digest('hex').slice(0, 16)}`);
  if (!existsSync(target)) {
    await withCacheLock('debian-template', async () => existsSync(target) || (await build(target)), 1200);
  }
  return readTemplate(target);
}

async function build(target: string): Promise<true> {
  const work = await mkdtemp(join(cacheDir(), 'build-'));
  const bundled = await mkdtemp(join(tmpdir(), 'build-template-'));
  try {
    const host = join(work, 'var/lib/blockhost');
    await mkdir(join(host, 'template-packages'), { recursive: true });
    await makePackage(join(host, 'template-packages/lab.deb'), join(bundled, 'tree'));
    const program = await bundle(bundled, { path: 'cli/blockhost-build-template.ts' });
    const startedMs = performance.now();
    const env = { BLOCKHOST_ROOT: work };
    const { stdout, stderr } = await execa(process.execPath, [program], { env, stdin: 'ignore' });
    const tookMs = Math.round(performance.now() - startedMs);
    const bases = join(host, 'provisioner/bases');
    await writeFile(join(bases, 'run.json'), JSON.stringify({ tookMs, stdout, stderr }));
    renameSync(bases, target);
    return true;
  } finally {
    await rm(bundled, { recursive: true, force: true });
    await rm(work, { recursive: true, force: true });
  }
}

/** A package that depends on another one, which no template has by itself. */
async function makePackage(file: string, tree: string): Promise<void> {
  const { name, version, mark } = labPackage;
  await mkdir(join(tree, 'DEBIAN'), { recursive: true, mode: 0o755 });
  await mkdir(join(tree, 'usr/share', name), { recursive: true, mode: 0o755 });
  await writeFile(join(tree, mark), 'installed\n');
  const maintainer = 'Maintainer: laboratory <lab@example.org>\nDescription: stands for the login package\n';
  const control = `Package: ${name}\nVersion: ${version}\nArchitecture: all\nDepends: hello\n${maintainer}`;
  await writeFile(join(tree, 'DEBIAN/control'), control);
  await execa('dpkg-deb', ['--build', '--root-owner-group', tree, file]);
}

async function readTemplate(basesDir: string): Promise<DebianTemplate> {
  const digest = (await readFile(join(basesDir, 'current'), 'utf8')).trim();
  const place = (of: string, kind: string): string => join(basesDir, `${of.slice('sha256:'.length)}.${kind}`);
  const { boot, versions } = JSON.parse(await readFile(place(digest, 'json'), 'utf8'));
  return {
    basesDir,
    digest,
    image: place(digest, 'qcow2'),
    kernel: place(boot.kernel, 'kernel'),
    initrd: place(boot.initrd, 'initrd'),
    commandLine: boot.commandLine,
    versions,
    ...JSON.parse(await readFile(join(basesDir, 'run.json'), 'utf8')),
  };
}
