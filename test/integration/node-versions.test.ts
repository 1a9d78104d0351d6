import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NODE_VERSIONS, provideNode } from '../lab/node-runtimes.ts';
import { repositoryPath } from '../lab/repository.ts';

/*
 * What ships, as it is installed, under every release of Node that it is promised for. Each program is started far enough to
 * load what it works with: its own code and libraries come with its first command line that makes sense.
 */

const WALLET = '0x00000000000000000000000000000000000000a1';

/** For each program a command line that begins its work on an empty host, and what it then says. */
const BEGINS: Readonly<
  Record<string, { readonly argv: readonly string[]; readonly code: number; readonly says: RegExp }>
> = {
  'blockhost-build-template': {
    argv: ['--checksum', 'x'],
    code: 1,
    says: /^blockhost-build-template: --checksum wants/,
  },
  'blockhost-mint-nft': {
    argv: ['--owner-wallet', WALLET, '--machine-id', 'm'],
    code: 1,
    says: /^blockhost-mint-nft: no credential contract is configured/,
  },
  'blockhost-provisioner': {
    argv: ['hold', 'nosuch', '--for', '1h'],
    code: 1,
    says: /^blockhost-provisioner: no machine "nosuch" is known here/,
  },
  'blockhost-provisioner-detect': { argv: [], code: 1, says: /^$/ },
  'blockhost-provisionerd': { argv: ['--check-config'], code: 0, says: /configuration is right; chains: none$/ },
  'blockhost-vm-create': {
    argv: ['nosuch', '--owner-wallet', WALLET],
    code: 1,
    says: /^blockhost-vm-create: nosuch cannot be created: /,
  },
  'blockhost-vm-destroy': { argv: ['nosuch'], code: 0, says: /^nothing is known of nosuch/ },
  'blockhost-vm-gc': { argv: [], code: 0, says: /^Suspend: 0 candidates\nDestroy: 0 candidates$/m },
  'blockhost-vm-guest-exec': { argv: ['nosuch', 'true'], code: 1, says: /there is no machine nosuch/ },
  'blockhost-vm-kill': { argv: ['nosuch'], code: 1, says: /there is no machine nosuch/ },
  'blockhost-vm-list': { argv: [], code: 0, says: /^NAME\tSTATUS\tIP\tCREATED$/m },
  'blockhost-vm-metrics': { argv: ['nosuch'], code: 1, says: /there is no machine nosuch/ },
  'blockhost-vm-resume': { argv: ['nosuch'], code: 1, says: /there is no machine nosuch/ },
  'blockhost-vm-start': { argv: ['nosuch'], code: 1, says: /there is no machine nosuch/ },
  'blockhost-vm-status': { argv: ['nosuch'], code: 0, says: /^unknown$/ },
  'blockhost-vm-stop': { argv: ['nosuch'], code: 1, says: /there is no machine nosuch/ },
  'blockhost-vm-throttle': { argv: ['nosuch', '--reset'], code: 1, says: /there is no machine nosuch/ },
  'blockhost-vm-update-gecos': {
    argv: ['nosuch', WALLET, '--nft-id', '7'],
    code: 1,
    says: /there is no machine nosuch/,
  },
};

const bin = repositoryPath('dist', 'bin');
let programs: readonly string[];
let root: string;

beforeAll(async () => {
  programs = (await readdir(bin)).map((file) => file.replace(/\.mjs$/, ''));
  root = await mkdtemp(join(tmpdir(), 'node-versions-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const start = async (node: string, program: string, argv: readonly string[]) => {
  const env = { BLOCKHOST_ROOT: root, LIBVIRT_DEFAULT_URI: 'test:///default' };
  // The probe of `detect` asks libvirt for a real guest; a socket that is not there is answered at once.
  if (program === 'blockhost-provisioner-detect') env.LIBVIRT_DEFAULT_URI = 'qemu:///system?socket=/nowhere';
  const options = { env, cwd: root, reject: false, timeout: 60_000, stdin: 'ignore' } as const;
  const { exitCode, stdout, stderr } = await execa(node, [join(bin, `${program}.mjs`), ...argv], options);
  expect(stderr, `${program} ${argv.join(' ')}`).not.toMatch(/^ {4}at |Warning:/m);
  return { exitCode, stdout, stderr };
};

/** Its first command line that makes sense. */
const begin = async (node: string, program: string): Promise<void> => {
  const begins = BEGINS[program];
  const { exitCode, stdout, stderr } = await start(node, program, begins?.argv ?? []);
  const said = [stderr, stdout].filter((text) => text !== '').join('\n');
  expect({ program, exitCode, said }).toEqual({
    program,
    exitCode: begins?.code,
    said: expect.stringMatching(begins?.says ?? /x/),
  });
};

const startInEachWay = async (node: string, program: string): Promise<void> => {
  expect(await start(node, program, ['--version'])).toEqual({
    exitCode: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    stderr: '',
  });
  expect((await start(node, program, ['--help'])).stdout).toContain(`Usage: ${program}`);
  await begin(node, program);
  const bad = await start(node, program, ['--no-such-flag']);
  // Whatever they are asked, they answer (D4).
  if (program === 'blockhost-vm-status') expect(bad).toEqual({ exitCode: 0, stdout: 'unknown', stderr: '' });
  else {
    const [said] = bad.stderr.split('\n');
    const [exitCode, stdout] = program === 'blockhost-vm-list' ? [0, expect.stringMatching(/^NAME\t/)] : [1, ''];
    expect([bad.exitCode, bad.stdout, said]).toEqual([exitCode, stdout, expect.stringContaining(`${program}: `)]);
  }
};

describe('what ships', () => {
  it('is one program for each that this suite knows how to begin', () => {
    expect([...programs].sort()).toEqual(Object.keys(BEGINS).sort());
  });

  // What only prints is the same text on every release: without FULL=1, all that is asked of the newer ones is work.
  it.for(NODE_VERSIONS.map((version, at) => ({ version, each: at === 0 || process.env.FULL !== undefined })))(
    'starts, begins its work and, on the oldest Node, helps and refuses nonsense, under Node $version',
    async ({ version, each }, { skip }) => {
      const found = await provideNode(version);
      if ('why' in found) return skip(found.why);
      expect((await execa(found.node, ['--version'])).stdout).toBe(`v${version}`);
      const [even, odd] = [0, 1].map((rest) => programs.filter((_, i) => i % 2 === rest));
      await Promise.all(
        [even, odd].map(async (half = []) => {
          for (const program of half) await (each ? startInEachWay : begin)(found.node, program);
        }),
      );
    },
  );
});
