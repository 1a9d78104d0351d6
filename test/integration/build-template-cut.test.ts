import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { descendants, until } from '../lab/processes.ts';
import { bundle, run } from '../unit/cli/bundled.ts';

interface Build {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  said(): string;
}

let home = '';
let program = '';
let root = '';
const builds: Build[] = [];

const start = (): Build => {
  const child = spawn(process.execPath, [program], { env: { ...process.env, BLOCKHOST_ROOT: root } });
  let text = '';
  child.stderr.on('data', (chunk) => {
    text += chunk;
  });
  const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
  const build = { child, ended, said: () => text };
  builds.push(build);
  return build;
};
const stateDir = (): string => join(root, 'var/lib/blockhost/provisioner');
const inWorkshop = (): Promise<string[]> => readdir(join(stateDir(), 'template'));
/** Processes anywhere on this host that work for this root. */
const atWork = (): number => descendants(1).filter(({ argv }) => argv.some((word) => word.includes(root))).length;
const isBusy = ({ said }: Build) => until('mmdebstrap is at work', () => /running apt-get update/.test(said()));

describe('blockhost-build-template that is cut off', () => {
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'build-cut-'));
    program = await bundle(home, { path: 'cli/blockhost-build-template.ts' });
  });
  afterAll(() => rm(home, { recursive: true, force: true }));
  beforeEach(async () => {
    root = await mkdtemp(join(home, 'root-'));
    await mkdir(join(root, 'var/lib/blockhost'), { recursive: true });
  });
  afterEach(async () => {
    for (const { child } of builds) child.kill('SIGKILL');
    await until('all processes are gone', () => atWork() === 0);
    builds.length = 0;
  });

  it('leaves neither process nor mount when it is killed, and the next one tidies up', async () => {
    const first = start();
    await isBusy(first);
    expect(atWork()).toBeGreaterThan(0);
    first.child.kill('SIGKILL');
    expect((await first.ended).signal).toBe('SIGKILL');
    await until('all that it started is gone', () => atWork() === 0);
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(root);
    const [left] = await inWorkshop();
    expect(left).toMatch(/^work-/);

    const second = start();
    await isBusy(second);
    expect(await inWorkshop()).not.toContain(left);
    expect(await inWorkshop()).toHaveLength(1);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('cleans up after itself at %s, and says so', async (signal) => {
    const build = start();
    await isBusy(build);
    build.child.kill(signal);
    expect(await build.ended).toEqual({ code: 130, signal: null });
    expect(build.said()).toMatch(/stopped; the template is as it was, nothing half built is left\n$/);
    expect(await inWorkshop()).toEqual([]);
    expect(atWork()).toBe(0);
    await expect(readdir(join(stateDir(), 'bases'))).rejects.toThrow(/ENOENT/);
  });

  it('waits for another one, says so, and goes on when that one is gone', async () => {
    const first = start();
    await isBusy(first);
    const second = start();
    await until('the second waits', () => /another build is under way/.test(second.said()));
    expect(second.said()).not.toMatch(/installing Debian/);
    first.child.kill('SIGKILL');
    await isBusy(second);
    expect(await inWorkshop()).toHaveLength(1);
  });

  it.each([
    [['--no-such-flag'], /unknown option/],
    [['surplus'], /too many arguments/],
    [['--url', 'https://example.org/x'], /--url wants --checksum/],
    [
      ['--url', 'https://me:secret@example.org/x', '--checksum', 'sha256:0'],
      /without user and password.*--checksum wants/,
    ],
    [['--image', '/no/such/image'], /cannot read the image \/no\/such\/image: it is not there/],
    [['--image', 'x', '--from-packages'], /only one of/],
  ])('refuses %j in one line and touches nothing', async (argv, words) => {
    const { code, stdout, stderr } = await run(program, argv, { BLOCKHOST_ROOT: root });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(words);
    expect(stderr).not.toMatch(/\n\s+at |secret/);
    expect(await readdir(join(root, 'var/lib/blockhost'))).toEqual([]);
  });

  it('explains itself', async () => {
    const { code, stdout } = await run(program, ['--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Examples:\n {2}blockhost-build-template\n/);
    expect(stdout).toMatch(/Exit status: 0 /);
  });
});
