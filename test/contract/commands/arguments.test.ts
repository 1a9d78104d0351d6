import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms, runProgram } from '../../lab/programs.ts';

/*
 * Command lines that make no sense, and help: found out before anything is looked at. There is no libvirt here, and no host:
 * whatever a command touched would be seen.
 */

const OWNER = '0x8ba1f109551bd432803012645ac136ddd64dba72';
/** Each program with a command line that it would take. */
const RIGHT: Readonly<Record<string, readonly string[]>> = {
  'blockhost-vm-create': ['testbox', '--owner-wallet', OWNER],
  'blockhost-vm-destroy': ['testbox'],
  'blockhost-vm-start': ['testbox'],
  'blockhost-vm-stop': ['testbox'],
  'blockhost-vm-kill': ['testbox'],
  'blockhost-vm-metrics': ['testbox'],
  'blockhost-vm-throttle': ['testbox'],
  'blockhost-vm-gc': [],
  'blockhost-vm-resume': ['testbox'],
  'blockhost-vm-update-gecos': ['testbox', OWNER, '--nft-id', '7'],
  'blockhost-vm-guest-exec': ['testbox', 'true'],
  'blockhost-build-template': [],
  'blockhost-provisioner-detect': [],
  'blockhost-mint-nft': ['--owner-wallet', OWNER, '--machine-id', 'testbox'],
};

let directory = '';
const run = (program: string, ...argv: readonly string[]) =>
  runProgram(program, argv, {
    cwd: directory,
    env: {
      BLOCKHOST_ROOT: join(directory, 'root'),
      LIBVIRT_DEFAULT_URI: 'qemu+unix:///system?socket=/nowhere',
      XDG_CACHE_HOME: directory,
    },
  });
const refused = async (program: string, ...argv: readonly string[]): Promise<string> => {
  const ended = await run(program, ...argv);
  expect({ program, argv, ...ended }).toMatchObject({ exitCode: 1, stdout: '' });
  // One line, that begins with the name of who says it.
  expect(ended.stderr).toMatch(new RegExp(`^${program}: [^\\n]+\\n$`));
  expect(existsSync(join(directory, 'root'))).toBe(false);
  return ended.stderr;
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bh-argv-'));
  await buildPrograms();
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('a command line that makes no sense', () => {
  it.each(Object.entries(RIGHT))('%s refuses a flag that it does not know', async (program, argv) => {
    // Before the name: what follows it is the guest's own command, for one of them.
    expect(await refused(program, '--bogus', ...argv)).toContain("unknown option '--bogus'");
  });

  it.each(Object.entries(RIGHT).filter(([program]) => program !== 'blockhost-vm-guest-exec'))(
    '%s refuses a word too many',
    async (program, argv) => {
      expect(await refused(program, ...argv, 'more')).toContain('too many arguments');
    },
  );

  it.each([
    ['blockhost-vm-create', ['--owner-wallet', OWNER], 'name'],
    ['blockhost-vm-create', ['testbox'], '--owner-wallet'],
    ['blockhost-vm-create', ['testbox', '--owner-wallet'], '--owner-wallet'],
    ['blockhost-vm-destroy', [], 'name'],
    ['blockhost-vm-start', [], 'name'],
    ['blockhost-vm-stop', [], 'name'],
    ['blockhost-vm-kill', [], 'name'],
    ['blockhost-vm-metrics', [], 'name'],
    ['blockhost-vm-throttle', [], 'name'],
    ['blockhost-vm-resume', [], 'name'],
    ['blockhost-vm-guest-exec', ['testbox'], 'command'],
    ['blockhost-vm-update-gecos', ['testbox', OWNER], '--nft-id'],
    ['blockhost-vm-update-gecos', ['testbox', '--nft-id', '7'], 'wallet'],
    ['blockhost-mint-nft', ['--machine-id', 'testbox'], '--owner-wallet'],
  ] as const)('%s %j misses %s', async (program, argv, missing) => {
    expect(await refused(program, ...argv)).toContain(missing);
  });

  it.each([
    ['blockhost-vm-create', ['testbox', '--owner-wallet', '0x12'], '--owner-wallet'],
    ['blockhost-vm-create', ['../etc', '--owner-wallet', OWNER], 'name'],
    ['blockhost-vm-create', ['testbox', '--owner-wallet', OWNER, '--cpu', '0'], '--cpu'],
    ['blockhost-vm-create', ['testbox', '--owner-wallet', OWNER, '--memory', 'much'], '--memory'],
    ['blockhost-vm-create', ['testbox', '--owner-wallet', OWNER, '--disk', '-1'], '--disk'],
    ['blockhost-vm-create', ['testbox', '--owner-wallet', OWNER, '--expiry-days', '1.5'], '--expiry-days'],
    ['blockhost-vm-create', ['testbox', '--owner-wallet', OWNER, '--username', 'root'], '--username'],
    ['blockhost-vm-create', ['testbox', '--owner-wallet', OWNER, '--nft-token-id', 'x'], '--nft-token-id'],
    ['blockhost-vm-create', ['testbox', '--owner-wallet', OWNER, '--user-signature', '0xab'], '--public-secret'],
    ['blockhost-vm-resume', ['testbox', '--extend-days', 'x'], '--extend-days'],
    ['blockhost-vm-gc', ['--grace-days', '-1'], '--grace-days'],
    ['blockhost-vm-gc', ['--suspend-only', '--destroy-only'], '--destroy-only'],
    ['blockhost-vm-throttle', ['testbox', '--cpu-quota', '101'], '--cpu-quota'],
    ['blockhost-vm-update-gecos', ['testbox', 'nobody', '--nft-id', '7'], 'wallet'],
    ['blockhost-vm-update-gecos', ['testbox', OWNER, '--nft-id', '-1'], '--nft-id'],
    ['blockhost-mint-nft', ['--owner-wallet', '0x12', '--machine-id', 'm'], '--owner-wallet'],
    ['blockhost-mint-nft', ['--owner-wallet', OWNER], '--machine-id'],
    ['blockhost-build-template', ['--url', 'https://example.org/a.qcow2'], '--checksum'],
  ] as const)('%s %j is wrong about %s', async (program, argv, what) => {
    expect(await refused(program, ...argv)).toContain(what);
  });
});

describe('commands that answer whatever they are given', () => {
  it.each([[[]], [['--bogus']], [['a', 'b']], [['']], [['--bogus', 'testbox']], [['nobody']], [['../etc/passwd']]])(
    'status prints unknown for %j, and exits 0 (D4)',
    async (argv) => {
      expect(await run('blockhost-vm-status', ...argv)).toMatchObject({ exitCode: 0, stdout: 'unknown\n' });
    },
  );

  it.each([[['--bogus']], [['more']], [['--format', 'yaml']]])(
    'list lists for %j, says what it did not understand, and exits 0 (contract §2)',
    async (argv) => {
      const ended = await run('blockhost-vm-list', ...argv);
      expect(ended).toMatchObject({ exitCode: 0, stdout: 'NAME\tSTATUS\tIP\tCREATED\n' });
      // After it comes that there is no host here.
      expect(ended.stderr.split('\n')[0]).toMatch(new RegExp(`^blockhost-vm-list: .*${argv.at(-1)}`));
    },
  );

  it('list --json is pure JSON, however much of its command line makes no sense', async () => {
    expect(await run('blockhost-vm-list', '--bogus', '--json')).toMatchObject({ exitCode: 0, stdout: '[]\n' });
  });
});

describe('--help', () => {
  it.each([...Object.keys(RIGHT), 'blockhost-vm-status', 'blockhost-vm-list'])(
    'of %s is on stdout, with examples, and exits 0',
    async (program) => {
      const { exitCode, stdout, stderr } = await run(program, '--help');
      expect([exitCode, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(new RegExp(`^Usage: ${program}`));
      expect(stdout).toMatch(new RegExp(`Examples:\\n  ${program}`));
    },
  );

  it('and all of the above left nothing behind', async () => {
    expect(await readdir(directory)).toEqual([]);
  });
});
