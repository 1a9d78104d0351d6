import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Scenario } from '../../../src/simulator/scenario/schema.ts';
import { repositoryPath } from '../../lab/repository.ts';
import { type Ended, run } from './bundled.ts';

/*
 * As it ships: one program, and what it loads on demand beside it, which is also what its threads run.
 */

let directory = '';
let program = '';
let root = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'simulate-'));
  await build({
    absWorkingDir: repositoryPath('.'),
    entryPoints: [{ in: repositoryPath('cli/blockhost-provisioner.ts'), out: 'bin/blockhost-provisioner' }],
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node18',
    logLevel: 'error',
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'lib/[name]-[hash]',
    banner: {
      js: "import { createRequire as createRequireOfBundle } from 'node:module';\nconst require = createRequireOfBundle(import.meta.url);",
    },
  });
  program = join(directory, 'bin/blockhost-provisioner.mjs');
  root = join(directory, 'root');
  await mkdir(join(root, 'etc/blockhost'), { recursive: true });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const configured = (text: string): Promise<void> => writeFile(join(root, 'etc/blockhost/provisioner.yaml'), text);
const ask = (...argv: string[]): Promise<Ended> => run(program, ['simulate', ...argv], { BLOCKHOST_ROOT: root });

const MINUTE = 60_000;
const scenario: Scenario = {
  seed: 1,
  host: {
    machines: 3,
    paidForSeconds: [120],
    nodes: 2,
    blockMs: 12_000,
    safeBlocks: 2,
    finalizedBlocks: 5,
    pollEveryMs: 20_000,
    sweepEveryMs: 5 * MINUTE,
    tickMs: 1000,
    graceMs: 30 * MINUTE,
    quarantineMs: 0,
    suspendMode: 'shutdown',
    onOwnerStop: 'stay',
    libvirtMs: 300,
    answerMs: 0,
    lastsMs: 60 * MINUTE,
  },
  acts: [],
};
const written = async (host: Partial<Scenario['host']> = {}): Promise<string> => {
  const file = join(directory, 'scenario.json');
  await writeFile(file, JSON.stringify({ ...scenario, host: { ...scenario.host, ...host } }));
  return file;
};
const atOf = (story: string, what: RegExp): number => {
  const line = story.split('\n').find((text) => what.test(text)) ?? '';
  const [, d = '', h = '', m = ''] = /^(\d+)d (\d\d):(\d\d)/.exec(line) ?? [];
  return (Number(d) * 24 + Number(h)) * 60 + Number(m);
};

describe('simulate', () => {
  it('plays a history under the configured policy, not the one it was written with', { timeout: 120_000 }, async () => {
    const file = await written();
    await configured('grace: 20m\nquarantine: 0s\nsuspend_mode: save\n');
    const { code, stdout } = await ask('--scenario', file);
    expect(stdout).toMatch(/\n1 history, [\d.]+ machine-days: nothing broken\n$/);
    expect(code).toBe(0);
    expect(stdout).toMatch(/decision: .*; save;/);
    expect(stdout).not.toMatch(/request-shutdown/);
    const graceMinutes = atOf(stdout, /grace-over; destroy/) - atOf(stdout, /expired-running; save/);
    expect(graceMinutes).toBeGreaterThanOrEqual(20);
    expect(graceMinutes).toBeLessThan(30);
  });

  it('tells what a policy breaks, and exits 1: facts that are too old for harm before they are there', {
    timeout: 120_000,
  }, async () => {
    const file = await written({ answerMs: 1500 });
    await configured('grace: 20m\npolicy:\n  fresh_for_harm: 1s\n');
    const { code, stdout } = await ask('--scenario', file);
    expect(stdout).toMatch(/\nBROKEN unpaid-ends: blockhost-00\d runs \d+ min after its time was over\n/);
    expect(code).toBe(1);
  });

  it('plays on all processors from what ships, and writes nothing to the host', { timeout: 240_000 }, async () => {
    await configured('grace: 5m\nquarantine: 0s\n');
    const { code, stdout, stderr } = await ask('--histories', '2');
    expect(stderr).not.toMatch(/blockhost-provisioner:/);
    // Its seeds are fresh each time: what one of them may break is found out elsewhere, and told here.
    const [first, then = ''] = stdout.split('\n');
    expect(first).toMatch(/^2 histories, [\d.]+ machine-days: /);
    const holds = first?.endsWith(': nothing broken') ?? false;
    expect(then).toMatch(holds ? /^$/ : /^seed \d+ breaks [a-z-]+: /);
    expect(code).toBe(holds ? 0 : 1);
    expect(await readdir(root, { recursive: true })).toEqual([
      'etc',
      'etc/blockhost',
      'etc/blockhost/provisioner.yaml',
    ]);
  });

  it.each<[string, string, readonly string[], RegExp]>([
    ['a configuration with a fault', 'grase: 5m\n', ['--seed', '1'], /grase/],
    [
      'a file that is absent',
      '',
      ['--scenario', '/nowhere.json'],
      /^blockhost-provisioner: \/nowhere.json is absent\n$/,
    ],
    ['a seed that is no number', '', ['--seed', 'x'], /wants a whole number/],
    ['what cannot be meant together', '', ['--seed', '1', '--for', '1m'], /cannot be used with/],
  ])('refuses %s in one sentence', async (_, text, argv, sentence) => {
    await configured(text);
    const { code, stdout, stderr } = await ask(...argv);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(stderr.trimEnd()).not.toContain('\n');
  });

  it('refuses what is no scenario in one sentence', async () => {
    await configured('');
    const file = join(directory, 'none.json');
    await writeFile(file, '{"seed":');
    const { code, stderr } = await ask('--scenario', file);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^blockhost-provisioner: .*none\.json is no scenario: [^\n]*\n$/);
  });
});
