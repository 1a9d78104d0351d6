import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programs } from '../../cli/programs/all.ts';
import { repositoryPath } from '../lab/repository.ts';
import { argvFor } from '../support/fuzz.ts';

/*
 * The programs that ship, with command lines that nobody meant, on a small host of files and libvirt's test driver. What they
 * start is written down by a hook in Node, and shells in PATH leave a mark.
 */

const RUNS = process.env.FULL ? 2000 : 100;
const SEED = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31));
/** The kernel takes no longer word. */
const LONGEST_WORD = 130_000;
const WIDTH = 4;
const SHELLS = ['sh', 'bash', 'dash', 'zsh', 'ksh', 'busybox', 'env', 'sudo', 'xargs'];

let lab: string;
beforeAll(async () => {
  await execa(process.execPath, ['debian/bundle.mjs'], { cwd: repositoryPath('.') });
  lab = await mkdtemp(join(tmpdir(), 'commands-fuzz-'));
  const traps = join(lab, 'traps');
  await mkdir(traps);
  for (const shell of SHELLS) {
    await writeFile(join(traps, shell), `#!/bin/sh\necho "${shell}" >> "${lab}/caught"\nexit 1\n`);
    await chmod(join(traps, shell), 0o755);
  }
  const host = join(lab, 'host');
  for (const place of ['etc/blockhost', 'var/lib/blockhost/provisioner/locks', 'run', 'work'])
    await mkdir(join(host, place), { recursive: true });
  for (const place of ['bases', 'quarantine', 'mints', 'template'])
    await mkdir(join(host, 'var/lib/blockhost/provisioner', place));
  await writeFile(join(host, 'etc/blockhost/db.yaml'), 'bridge: br0\nip_pool: {network: 192.168.122.0/24}\n');
  await writeFile(join(host, 'var/lib/blockhost/vms.json'), '{"vms": {}, "allocated_ips": []}');
});
afterAll(() => rm(lab, { recursive: true, force: true }));

/** Everything below a directory, with what it holds; locks and samples tell nothing of what was done. */
const treeOf = async (dir: string): Promise<Readonly<Record<string, string>>> => {
  const names = (await readdir(dir, { recursive: true })).sort();
  const entries = await Promise.all(
    names.map(async (name): Promise<[string, string]> => {
      const path = join(dir, name);
      const facts = await stat(path).catch(() => undefined);
      if (facts === undefined) return [name, `link ${await readlink(path)}`];
      return [name, facts.isFile() ? `${facts.mode} ${await readFile(path, 'utf8')}` : `directory ${facts.mode}`];
    }),
  );
  return Object.fromEntries(entries);
};
const PASSING = /(\.lock|samples\.json)$|locks\//;
const lasting = (tree: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(tree).filter(([name]) => !PASSING.test(name)));

/** Without one of these, a line that makes sense after all would begin hours of work. */
const TAMED: Readonly<Record<string, readonly string[]>> = {
  'blockhost-provisionerd': ['--check-config'],
  'blockhost-build-template': ['--checksum', 'x'],
  'blockhost-provisioner-detect': ['x'],
};

interface Case {
  readonly program: string;
  readonly argv: readonly string[];
}

const casesOf = (): readonly Case[] => {
  const all = programs();
  const perProgram = Math.ceil(RUNS / all.length);
  return all.flatMap((command) =>
    fc.sample(argvFor(command, LONGEST_WORD), { numRuns: perProgram, seed: SEED }).map((argv) => ({
      program: command.name(),
      argv: [...argv, ...(TAMED[command.name()] ?? [])],
    })),
  );
};

const runCase = async ({ program, argv }: Case, number: number) => {
  const root = join(lab, `host-${number}`);
  const spawned = join(lab, `spawned-${number}`);
  await cp(join(lab, 'host'), root, { recursive: true });
  await writeFile(spawned, '');
  const before = await treeOf(root);
  const shown = argv.map((word) => (word.length > 200 ? `${word.slice(0, 200)}… (${word.length})` : word));
  const context = `FUZZ_SEED=${SEED}, ${program} ${JSON.stringify(shown)}`;
  const { exitCode, stdout, stderr } = await execa(
    process.execPath,
    ['--require', repositoryPath('test/lab/spawn-recorder.cjs'), repositoryPath('dist/bin', `${program}.mjs`), ...argv],
    {
      cwd: join(root, 'work'),
      env: {
        BLOCKHOST_ROOT: root,
        LIBVIRT_DEFAULT_URI: 'test:///default',
        SPAWNED: spawned,
        PATH: `${join(lab, 'traps')}:${process.env.PATH}`,
      },
      reject: false,
      stdin: 'ignore',
      timeout: 60_000,
    },
  );
  const after = await treeOf(root);
  const refusedAtOnce = exitCode === 1 && stderr.trimEnd().endsWith('(--help shows what is wanted)');
  const started = (await readFile(spawned, 'utf8')).split('\n').filter((line) => line !== '');
  await rm(root, { recursive: true });

  expect([0, 1], `${context}\n${stderr.slice(0, 2000)}`).toContain(exitCode);
  for (const text of [stdout, stderr]) expect(text, context).not.toMatch(/^ {4}at |node:internal|UnhandledPromise/m);
  if (exitCode !== 0) {
    const help = stderr.includes('Usage: ');
    expect(stderr.split('\n').length, `${context}\n${stderr.slice(0, 2000)}`).toBeLessThan(help ? 60 : 8);
    expect(stderr.length, context).toBeLessThan(10_000);
    expect(lasting(after), context).toEqual(lasting(before));
  }
  if (refusedAtOnce) {
    expect(after, context).toEqual(before);
    expect(started, context).toEqual([]);
  }
  for (const file of started) expect(file, context).not.toMatch(new RegExp(`(^|/)(${SHELLS.join('|')})$`));
  return { refusedAtOnce, started };
};

describe(`${RUNS} command lines that nobody meant`, () => {
  it('end with 0 or 1 and a sentence; no stack, no shell, no change before they are understood', {
    timeout: 600_000,
  }, async () => {
    const cases = casesOf();
    const waiting = cases.entries();
    let refusedAtOnce = 0;
    const programsStarted = new Set<string>();
    const worker = async (): Promise<void> => {
      for (const [number, one] of waiting) {
        const end = await runCase(one, number);
        if (end.refusedAtOnce) refusedAtOnce += 1;
        for (const file of end.started) programsStarted.add(file);
      }
    };
    await Promise.all(Array.from({ length: WIDTH }, worker));
    expect(cases.length).toBeGreaterThanOrEqual(RUNS);
    // Both kinds are there: those that go no further than their words, and those that look at the host.
    expect(refusedAtOnce).toBeGreaterThan(RUNS / 10);
    expect(refusedAtOnce).toBeLessThan(RUNS * 0.9);
    expect([...programsStarted]).toContain('virsh');
    expect(existsSync(join(lab, 'caught')), `a shell was called, FUZZ_SEED=${SEED}`).toBe(false);
    expect(existsSync(join(repositoryPath('.'), 'pwned'))).toBe(false);
  });
});
