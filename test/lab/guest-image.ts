import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { cacheDir, withCacheLock } from './cache.ts';
import { buildInitramfs } from './guest-initramfs.ts';
import { repositoryPath } from './repository.ts';

/** What a guest boots from; read-only and shared by all guests. */
export interface GuestImage {
  readonly dir: string;
  readonly kernel: string;
  readonly initramfs: string;
  /** qcow2 with an empty ext4: the backing file of every guest's own disk. */
  readonly base: string;
}

const diskMiB = 64;
const sources = ['guest/init', 'guest/shutdown', 'guest-image.ts', 'guest-initramfs.ts', 'cpio.ts'];

/**
 * Provides kernel, initramfs and base disk from `${XDG_CACHE_HOME:-~/.cache}/blockhost-lab/<digest of what they are made of>`,
 * building them first where they are missing (Debian packages are downloaded and unpacked, none is installed).
 */
export async function buildGuestImage({ log = () => {} }: { log?: (line: string) => void } = {}): Promise<GuestImage> {
  const image = imageIn(join(cacheDir(), await digest()));
  if (existsSync(image.dir)) return image;
  return await withCacheLock('guest-image', async () => {
    if (!existsSync(image.dir)) await build(image.dir, log);
    return image;
  });
}

function imageIn(dir: string): GuestImage {
  return { dir, kernel: join(dir, 'vmlinuz'), initramfs: join(dir, 'initramfs.gz'), base: join(dir, 'base.qcow2') };
}

async function digest(): Promise<string> {
  const hash = createHash('sha256');
  for (const name of sources) hash.update(readFileSync(repositoryPath('test/lab', name)));
  const { stdout } = await execa('dpkg-query', ['-W', 'passwd', 'libc6', 'libglib2.0-0', 'qemu-utils']);
  return hash.update(stdout).digest('hex').slice(0, 16);
}

async function build(target: string, log: (line: string) => void): Promise<void> {
  const work = await mkdtemp(join(cacheDir(), 'build-'));
  try {
    log('downloading the kernel, busybox and qemu-ga of Debian');
    const unpacked = await downloadPackages(join(work, 'packages'));
    log('packing the guest');
    const image = imageIn(join(work, 'image'));
    await mkdir(image.dir);
    const [version = ''] = await readdir(join(unpacked, 'lib/modules'));
    await copyFile(join(unpacked, `boot/vmlinuz-${version}`), image.kernel);
    const moduleFolder = join(unpacked, 'lib/modules', version);
    await writeFile(
      image.initramfs,
      await buildInitramfs({ unpacked, moduleFolder, scripts: repositoryPath('test/lab/guest') }),
    );
    await execa('mke2fs', [
      '-q',
      '-t',
      'ext4',
      '-m',
      '0',
      '-E',
      'lazy_itable_init=0,lazy_journal_init=0',
      join(work, 'base.raw'),
      `${diskMiB}M`,
    ]);
    await execa('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', join(work, 'base.raw'), image.base]);
    renameSync(image.dir, target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function downloadPackages(dir: string): Promise<string> {
  await mkdir(dir);
  // The metapackage names the kernel of the day.
  const { stdout } = await execa('apt-cache', ['depends', 'linux-image-cloud-amd64']);
  const kernel = /Depends: (linux-image-\S+)/.exec(stdout)?.[1];
  if (kernel === undefined) throw new Error('apt knows no linux-image-cloud-amd64: run `apt-get update` and try again');
  const options = process.getuid?.() === 0 ? ['-o', 'APT::Sandbox::User=root'] : [];
  await execa('apt-get', ['-q', ...options, 'download', kernel, 'busybox-static', 'qemu-guest-agent'], { cwd: dir });
  const unpacked = join(dir, 'unpacked');
  for (const name of await readdir(dir)) await execa('dpkg-deb', ['-x', join(dir, name), unpacked]);
  return unpacked;
}
