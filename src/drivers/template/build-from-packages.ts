import { access, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BlockhostError } from '../../domain/errors.ts';
import type { SettledSource, TemplateSource } from '../../domain/template.ts';
import type { BuildReport, BuiltTemplate } from '../../ports/template-workshop.ts';
import { stagePackages } from './local-packages.ts';
import { customizeScript, finishScript, kernelCommandLine, recipePackages, rootLabel } from './recipe.ts';
import { runContained, runTool } from './run-tool.ts';
import { versionsIn } from './versions.ts';

export interface BuildContext {
  /** Of this build alone; removed after it. */
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly report: BuildReport;
}

type PackagesSource = Extract<TemplateSource, { kind: 'packages' }>;

/** A root file system of Debian packages, as one ext4 without partitions, with its kernel beside it. */
export const buildFromPackages = async (
  settled: SettledSource,
  source: PackagesSource,
  { directory, signal, report }: BuildContext,
): Promise<BuiltTemplate> => {
  const suite = settled.pinned;
  const root = join(directory, 'root');
  const hooks = join(directory, 'hooks');
  await mkdir(hooks);
  await writeFile(join(hooks, 'customize-blockhost.sh'), customizeScript, { mode: 0o755 });
  await stagePackages(settled.localPackages, join(directory, 'debs'));
  report.step(
    `installing Debian ${suite} with ${recipePackages.length + source.packages.length} packages and what they need`,
  );
  await runContained(mmdebstrapArgv({ source, suite, root, hooks }), { signal, onLine: report.detail });
  const finish = join(directory, 'finish.sh');
  await writeFile(finish, finishScript, { mode: 0o755 });
  await runTool([finish, root, suite], { signal, onLine: report.detail });

  report.step('making the disk image');
  const [kernel, initrd] = await takeKernel(root, directory);
  const versions = await versionsIn(root, settled.localPackages, signal);
  const imageFile = await makeDisk(root, directory, source.sizeGib, signal);
  return {
    imageFile,
    boot: { kind: 'kernel', kernel, initrd, commandLine: kernelCommandLine },
    versions: { suite, ...versions },
  };
};

const mmdebstrapArgv = (build: {
  readonly source: PackagesSource;
  readonly suite: string;
  readonly root: string;
  readonly hooks: string;
}): readonly string[] => {
  const { source, suite, root, hooks } = build;
  const packages = [...new Set([...recipePackages, ...source.packages])];
  return [
    'mmdebstrap',
    ...['--mode=root', '--variant=minbase', '--format=directory', '--architectures=amd64', '--components=main'],
    ...['--aptopt=Acquire::Languages "none"', '--aptopt=Acquire::Retries "3"'],
    // A build that was cut off is thrown away, so nothing has to be on disk before its end.
    '--dpkgopt=force-unsafe-io',
    `--include=${packages.join(',')}`,
    `--hook-directory=${hooks}`,
    suite,
    root,
    ...(source.mirror === undefined ? [] : sourcesOf(source.mirror, suite)),
  ];
};

/** Lines as in sources.list; security updates come from Debian itself, which no mirror carries in the same place. */
const sourcesOf = (mirror: string, suite: string): readonly string[] => [
  `deb ${mirror} ${suite} main`,
  ...(suite === 'sid' || suite === 'unstable'
    ? []
    : [`deb ${mirror} ${suite}-updates main`, `deb http://security.debian.org/debian-security ${suite}-security main`]),
];

/** The newest kernel, where several were installed. */
const takeKernel = async (root: string, directory: string): Promise<[kernel: string, initrd: string]> => {
  const boot = join(root, 'boot');
  const releases = (await readdir(boot)).filter((name) => name.startsWith('vmlinuz-')).map((name) => name.slice(8));
  const newest = releases.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1) ?? '';
  const from = [join(boot, `vmlinuz-${newest}`), join(boot, `initrd.img-${newest}`)] as const;
  const to: [string, string] = [join(directory, 'kernel'), join(directory, 'initrd')];
  for (const [i, file] of from.entries()) {
    await access(file).catch(() => {
      throw new BlockhostError(`the packages brought no ${file.slice(root.length)}`, {
        code: 'template-kernel',
        retryable: false,
      });
    });
    await copyFile(file, to[i] ?? '');
  }
  return to;
};

const makeDisk = async (root: string, directory: string, sizeGib: number, signal: AbortSignal): Promise<string> => {
  const raw = join(directory, 'disk.raw');
  const imageFile = join(directory, 'disk.qcow2');
  // Everything is laid out now: what ext4 would do lazily, each machine would do again in its own overlay.
  const layout = ['-q', '-F', '-t', 'ext4', '-L', rootLabel, '-m', '1', '-E', 'lazy_itable_init=0,lazy_journal_init=0'];
  await runTool(['mke2fs', ...layout, '-d', root, raw, `${sizeGib}G`], { signal });
  await runTool(['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, imageFile], { signal });
  return imageFile;
};
