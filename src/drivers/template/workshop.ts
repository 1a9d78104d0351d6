import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdtemp, readdir, readFile, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { BlockhostError } from '../../domain/errors.ts';
import type { SettledSource, TemplateSource } from '../../domain/template.ts';
import type { Clock } from '../../ports/clock.ts';
import type { BuildReport, BuiltTemplate, TemplateWorkshop } from '../../ports/template-workshop.ts';
import { ensureSharedDirectory, isErrno } from '../files/shared-ownership.ts';
import { buildFromImage } from './build-from-image.ts';
import { buildFromPackages } from './build-from-packages.ts';
import { withBuildLock } from './build-lock.ts';
import { download, downloadName } from './download.ts';
import { missingTools } from './host-tools.ts';
import { hashFile, readLocalPackages } from './local-packages.ts';
import { runTool } from './run-tool.ts';

export interface WorkshopOptions {
  /** On the file system of the bases, so that an image moves there in one step. */
  readonly directory: string;
  readonly locksDir: string;
  readonly packagesDir: string;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly report: BuildReport;
  readonly signal: AbortSignal;
  /** Where programs are looked for. */
  readonly toolFolders?: readonly string[];
}

const defaultToolFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const GIB = 1024 ** 3;
/** Root file system, raw image, base and what apt downloads, of a template with nothing added. */
const PACKAGES_NEED_BYTES = 3 * GIB;
/** Free space that is never touched. */
const RESERVE_BYTES = GIB / 2;

/** The workshop of this host. */
export const createWorkshop = (options: WorkshopOptions): TemplateWorkshop => {
  const { directory, signal, report } = options;
  const downloadPath = (checksum: string): string => join(directory, `download-${downloadName(checksum)}`);
  const freeBytes = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(await existingPart(directory));
    return bavail * bsize;
  };
  const expect = async (bytes: number): Promise<void> => {
    // Beside the download there will be what is made of it.
    if ((await freeBytes()) < 2 * bytes + RESERVE_BYTES) throw noRoom(directory, 2 * bytes + RESERVE_BYTES);
  };
  return {
    isRoot: process.geteuid?.() === 0,
    settle: (source) => settle(source, options),
    digestOfText: (text) => `sha256:${createHash('sha256').update(text).digest('hex')}`,
    missingTools: (settled) => missingTools(settled, options.toolFolders ?? defaultToolFolders),
    install: async (debianPackages) => {
      const argv = ['apt-get', '-q', '-y', '--no-install-recommends', 'install', '--', ...debianPackages];
      await runTool(argv, { signal, onLine: report.detail });
    },
    freeBytes,
    neededBytes: async ({ source }) => {
      if (source.kind === 'packages') return PACKAGES_NEED_BYTES;
      const known = source.kind === 'file' ? (await stat(source.path)).size : 0;
      return 2 * known + RESERVE_BYTES;
    },
    exclusively: (onWait, body) => withBuildLock(options.locksDir, { onWait, signal }, body),
    clean: async (keep) => {
      const kept = keep?.kind === 'url' ? downloadPath(keep.checksum) : undefined;
      await removeLeftovers(directory, kept);
    },
    build: async (settled): Promise<BuiltTemplate> => {
      await ensureSharedDirectory(directory);
      const context = { directory: await mkdtemp(join(directory, 'work-')), signal, report };
      const { source } = settled;
      if (source.kind === 'packages') return buildFromPackages(settled, source, context);
      if (source.kind === 'file') return buildFromImage(settled, { file: source.path, asIs: source.asIs }, context);
      const file = downloadPath(source.checksum);
      report.step(`downloading ${source.url.replace(/[?#].*$/s, '')}`);
      const { url, checksum } = source;
      const { clock } = options;
      await download({ url, checksum, path: file, clock, signal, expect, onBytes: report.bytes, tell: report.step });
      return buildFromImage(settled, { file, asIs: source.asIs }, context);
    },
  };
};

const settle = async (source: TemplateSource, { packagesDir, signal }: WorkshopOptions): Promise<SettledSource> => {
  const localPackages = await readLocalPackages(packagesDir, signal);
  if (source.kind === 'packages') return { source, pinned: source.suite ?? (await hostSuite()), localPackages };
  if (source.asIs && localPackages.length > 0) {
    const hint = `leave --as-is out, or take the packages out of ${packagesDir}`;
    const message = `an image as it is cannot get ${localPackages.map(({ name }) => name).join(', ')}`;
    throw new BlockhostError(message, { code: 'template-as-is', retryable: false, hint });
  }
  if (source.kind === 'url') return { source, pinned: source.checksum, localPackages };
  const path = resolve(source.path);
  return { source: { ...source, path }, pinned: await checkFile(path, source.checksum), localPackages };
};

/** The checksum of an image file, which has to be the one that was given, if one was. */
const checkFile = async (path: string, checksum: string | undefined): Promise<string> => {
  const algorithm = checksum?.startsWith('sha512:') ? 'sha512' : 'sha256';
  const found = await hashFile(path, algorithm).catch((error: unknown) => {
    const why = isErrno(error, 'ENOENT') ? 'it is not there' : error instanceof Error ? error.message : String(error);
    throw new BlockhostError(`cannot read the image ${path}: ${why}`, { code: 'template-image', retryable: false });
  });
  const actual = `${algorithm}:${found}`;
  if (checksum === undefined || checksum === actual) return actual;
  throw new BlockhostError(`${path} has checksum ${actual}, not ${checksum}`, {
    code: 'template-checksum',
    retryable: false,
    hint: 'fetch it again, or take the checksum that belongs to this file',
  });
};

const DEFAULT_SUITE = 'bookworm';

/** The host's own release where the host is a Debian. */
const hostSuite = async (): Promise<string> => {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const value = (key: string): string | undefined => new RegExp(`^${key}="?([a-z0-9-]+)"?$`, 'm').exec(text)?.[1];
  return (value('ID') === 'debian' ? value('VERSION_CODENAME') : undefined) ?? DEFAULT_SUITE;
};

/** What killed builds left. Their mounts went with their namespaces, and rm is kept from crossing any all the same. */
const removeLeftovers = async (directory: string, kept: string | undefined): Promise<void> => {
  const names = await readdir(directory).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  });
  const ours = names.filter((name) => /^(work|download)-/.test(name)).map((name) => join(directory, name));
  const old = ours.filter((path) => kept === undefined || (path !== kept && path !== `${kept}.part`));
  if (old.length === 0) return;
  // Not with the caller's signal: after a Ctrl-C, too, nothing stays.
  await runTool(['rm', '-rf', '--one-file-system', '--', ...old], { signal: new AbortController().signal });
};

const existingPart = async (path: string): Promise<string> => {
  const there = await access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
  return there || dirname(path) === path ? path : existingPart(dirname(path));
};

const noRoom = (directory: string, bytes: number): BlockhostError =>
  new BlockhostError(`${directory} has no room for it: ${Math.ceil(bytes / 1024 ** 2)} MiB are needed`, {
    code: 'disk-full',
    retryable: true,
    hint: 'free some space on that file system',
  });
