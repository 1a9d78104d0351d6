import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms, type Ended, runProgram } from '../../lab/programs.ts';

/*
 * The contract's `--mock`: create, gc and resume on ./mock-db.json. No libvirt and no host: the one points nowhere, the
 * other is an empty directory that stays empty (D18).
 */

const OWNER = '0x8ba1f109551bd432803012645ac136ddd64dba72';
const OTHER = '0x00000000000000000000000000000000000000b1';
const DAY_MS = 86_400_000;

let directory = '';
let cwd = '';
const run = (verb: string, ...argv: readonly string[]): Promise<Ended> =>
  runProgram(`blockhost-vm-${verb}`, argv, {
    cwd,
    env: { BLOCKHOST_ROOT: join(directory, 'root'), LIBVIRT_DEFAULT_URI: 'qemu+unix:///system?socket=/nowhere' },
  });
const line = (name: string, last: number, token: number): string =>
  `{"status":"ok","vm_name":"${name}","ip":"192.168.122.${last}","ipv6":"fd00::${last - 197}","vmid":"${name}","nft_token_id":${token},"username":"user"}\n`;
const database = async () =>
  JSON.parse(await readFile(join(cwd, 'mock-db.json'), 'utf8')) as {
    vms: Record<string, Record<string, unknown>>;
    allocated_ips: string[];
    allocated_ipv6: string[];
    reserved_nft_tokens: Record<string, unknown>;
  };
const daysLeft = async (name: string): Promise<number> =>
  Math.round(((Date.parse(String((await database()).vms[name]?.expires_at)) - Date.now()) / DAY_MS) * 100) / 100;
const expire = async (name: string, change: Record<string, unknown>): Promise<void> => {
  const all = await database();
  all.vms[name] = { ...all.vms[name], ...change };
  await writeFile(join(cwd, 'mock-db.json'), JSON.stringify(all));
};
const PAST = '2026-01-01T00:00:00+00:00';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bh-mock-'));
  cwd = join(directory, 'cwd');
  await Promise.all([mkdir(cwd), mkdir(join(directory, 'root'))]);
  await buildPrograms();
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('--mock', () => {
  it('create without --apply tells the values, and makes no database', async () => {
    expect(await run('create', 'one', '--owner-wallet', OWNER, '--mock')).toMatchObject({
      exitCode: 0,
      stdout: line('one', 200, 1),
    });
    expect((await readdir(cwd)).filter((name) => !name.endsWith('.lock'))).toEqual([]);
  });

  it('create prints one line of JSON and enters the machine', async () => {
    const argv = ['--owner-wallet', OWNER, '--expiry-days', '10', '--mock', '--apply'];
    expect(await run('create', 'one', ...argv)).toMatchObject({ exitCode: 0, stdout: line('one', 200, 1) });
    expect(await database()).toMatchObject({
      vms: {
        one: {
          vm_name: 'one',
          vmid: 0,
          ip_address: '192.168.122.200',
          ipv6_address: 'fd00::3',
          status: 'active',
          owner: OWNER,
          wallet_address: OWNER,
          owner_wallet: OWNER,
          username: 'user',
          gecos_synced: true,
        },
      },
      allocated_ips: ['192.168.122.200'],
      allocated_ipv6: ['fd00::3'],
      reserved_nft_tokens: { 1: { vm_name: 'one', status: 'reserved' } },
    });
    expect(await daysLeft('one')).toBe(10);
  });

  it('create never mints, whatever the flags, and takes the next address for the next machine', async () => {
    const argv = ['--owner-wallet', OTHER, '--skip-mint', '--no-mint', '--username', 'ann', '--mock', '--apply'];
    const { stdout, exitCode } = await run('create', 'two', ...argv);
    expect([exitCode, JSON.parse(stdout)]).toEqual([
      0,
      {
        status: 'ok',
        vm_name: 'two',
        ip: '192.168.122.201',
        ipv6: 'fd00::4',
        vmid: 'two',
        nft_token_id: 2,
        username: 'ann',
      },
    ]);
  });

  it('create refuses a name that is taken: nothing on stdout, one sentence on stderr, exit 1', async () => {
    const before = await database();
    const ended = await run('create', 'one', '--owner-wallet', OWNER, '--mock', '--apply');
    expect(ended).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ended.stderr).toMatch(/^blockhost-vm-create: one cannot be created: [^\n]+\n$/);
    expect(await database()).toEqual(before);
  });

  it('gc counts, and only --execute suspends; --suspend-only and --destroy-only are one phase each', async () => {
    await expire('one', { expires_at: PAST });
    const before = await database();
    expect(await run('gc', '--mock')).toEqual({
      exitCode: 0,
      stdout: 'Suspend: 1 candidate\nDestroy: 0 candidates\n',
      stderr: '',
    });
    expect((await run('gc', '--mock', '--suspend-only')).stdout).toBe('Suspend: 1 candidate\n');
    expect((await run('gc', '--mock', '--destroy-only', '--execute')).stdout).toBe('Destroy: 0 candidates\n');
    expect(await database()).toEqual(before);
    expect(await run('gc', '--mock', '--execute', '--grace-days', '0')).toMatchObject({
      exitCode: 0,
      stdout: 'Suspend: 1 candidate\nDestroy: 0 candidates\n',
    });
    expect((await database()).vms).toMatchObject({ one: { status: 'suspended' }, two: { status: 'active' } });
  });

  it('resume tells with --dry-run, then lets it be active again and extends it', async () => {
    const before = await database();
    expect((await run('resume', 'one', '--extend-days', '3', '--mock', '--dry-run')).exitCode).toBe(0);
    expect(await database()).toEqual(before);
    expect(await run('resume', 'one', '--extend-days', '3', '--mock')).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await database()).vms.one).toMatchObject({ status: 'active' });
    expect(await daysLeft('one')).toBe(3);
    expect(await run('resume', 'nobody', '--mock')).toMatchObject({ exitCode: 1, stdout: '' });
  });

  it('gc destroys what was suspended before and is past its grace, and its name and addresses are free again', async () => {
    await expire('one', { expires_at: PAST, suspended_at: PAST, status: 'suspended' });
    expect(await run('gc', '--mock', '--execute')).toMatchObject({
      exitCode: 0,
      stdout: 'Suspend: 0 candidates\nDestroy: 1 candidate\n',
    });
    expect(await database()).toMatchObject({
      vms: { one: { status: 'destroyed' } },
      allocated_ips: ['192.168.122.201'],
      allocated_ipv6: ['fd00::4'],
    });
    const again = await run('create', 'one', '--owner-wallet', OWNER, '--mock', '--apply');
    expect([again.exitCode, JSON.parse(again.stdout)]).toMatchObject([0, { ip: '192.168.122.200', ipv6: 'fd00::3' }]);
    expect((await database()).vms.one).toMatchObject({ status: 'active' });
  });

  it('create prints the sentinel of later engines before its line, where configuration asks for it (interop §1)', async () => {
    const root = join(directory, 'asks');
    await mkdir(join(root, 'etc/blockhost'), { recursive: true });
    await writeFile(join(root, 'etc/blockhost/provisioner.yaml'), 'result_sentinel: true\n');
    const argv = ['three', '--owner-wallet', OWNER, '--mock'];
    const { exitCode, stdout } = await runProgram('blockhost-vm-create', argv, { cwd, env: { BLOCKHOST_ROOT: root } });
    const answer = line('three', 202, 4);
    expect([exitCode, stdout]).toEqual([0, `BLOCKHOST_RESULT: ${answer}${answer}`]);
  });

  it('creates at once wait for one another: all succeed, and nothing is given away twice', async () => {
    const many = join(directory, 'many');
    await mkdir(many);
    const env = { BLOCKHOST_ROOT: join(directory, 'root') };
    const names = Array.from({ length: 8 }, (_, index) => `vm${index}`);
    const ended = await Promise.all(
      names.map((name) =>
        runProgram('blockhost-vm-create', [name, '--owner-wallet', OWNER, '--mock', '--apply'], { cwd: many, env }),
      ),
    );
    expect(ended.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
    const answers = ended.map(({ stdout }) => JSON.parse(stdout) as Record<string, string>);
    for (const key of ['vmid', 'ip', 'ipv6', 'nft_token_id'])
      expect(new Set(answers.map((answer) => answer[key])).size).toBe(8);
    const { vms } = JSON.parse(await readFile(join(many, 'mock-db.json'), 'utf8')) as { vms: object };
    expect(Object.keys(vms).sort()).toEqual([...names].sort());
  }, 120_000);

  it('never touched a host', async () => {
    expect(await readdir(join(directory, 'root'))).toEqual([]);
  });
});
