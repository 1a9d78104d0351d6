import { existsSync, renameSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { cacheDir, withCacheLock } from './cache.ts';

/** A command's end inside a root: everything that it printed, in order. */
export interface EndedInside {
  readonly exitCode: number;
  readonly said: string;
}

/** A directory with a whole Debian in it, small as it is: dpkg, a shell, users and groups, and no service that runs. */
export interface DebianRoot {
  readonly dir: string;
  /** Runs a command with this root as its `/`; never rejects. */
  run(...argv: readonly string[]): Promise<EndedInside>;
  /** The same with a line of shell, typed in a test. */
  sh(script: string): Promise<EndedInside>;
  /** Its standard output, where it has to succeed. */
  out(script: string): Promise<string>;
  write(path: string, text: string, mode?: number): Promise<void>;
  copy(into: string): Promise<DebianRoot>;
}

const SUITE = 'bookworm';
const INCLUDED = ['adduser', 'libstdc++6'];
/** What no script reads, and what would make every copy take longer. */
const LEFT_OUT = [
  'usr/share/doc',
  'usr/share/man',
  'usr/share/info',
  'usr/share/locale',
  'var/cache/apt',
  'var/lib/apt',
];

/** Opens a directory that holds a Debian. */
export const openRoot = (dir: string): DebianRoot => {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };
  const run = async (...argv: readonly string[]): Promise<EndedInside> => {
    const options = { env, extendEnv: false, reject: false, all: true, stdin: 'ignore' } as const;
    const { exitCode = -1, all } = await execa('/usr/sbin/chroot', [dir, ...argv], options);
    return { exitCode, said: all };
  };
  return {
    dir,
    run,
    sh: (script) => run('sh', '-ec', script),
    out: async (script) => {
      const { exitCode, said } = await run('sh', '-ec', script);
      if (exitCode !== 0) throw new Error(`${script}: exit ${exitCode}: ${said}`);
      return said;
    },
    write: async (path, text, mode = 0o644) => {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text, { mode });
    },
    copy: async (into) => {
      await execa('cp', ['--archive', '--reflink=auto', dir, into]);
      return openRoot(into);
    },
  };
};

/**
 * Provides the root, with `more` Debian packages in it, from the laboratory's cache, building it first where it is not
 * there. It is to be copied, never changed.
 */
export const provideDebianRoot = async (more: readonly string[] = []): Promise<DebianRoot> => {
  const included = [...INCLUDED, ...more];
  const target = join(cacheDir(), `root-${SUITE}-${included.join('-').replace(/[^a-z0-9]+/g, '-')}`);
  if (!existsSync(target)) {
    await withCacheLock('debian-root', async () => existsSync(target) || (await build(target, included)), 600);
  }
  return openRoot(target);
};

const build = async (target: string, included: readonly string[]): Promise<true> => {
  const work = await mkdtemp(join(cacheDir(), 'build-'));
  try {
    const root = join(work, 'root');
    const options = ['--mode=root', '--variant=essential', `--include=${included.join(',')}`, '--quiet'];
    await execa('mmdebstrap', [...options, SUITE, root]);
    for (const path of LEFT_OUT) await rm(join(root, path), { recursive: true, force: true });
    renameSync(root, target);
    return true;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};
