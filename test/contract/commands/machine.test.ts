import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inside } from '../../lab/guest.ts';
import { namespacesAllowed } from '../../lab/libvirtd-process.ts';
import type { Ended } from '../../lab/programs.ts';
import { type ContractHost, openContractHost } from './host.ts';

/*
 * What every command owes its callers, on a real guest: argv, stdout to the byte, stderr, exit code, effect. Typed by hand
 * from the contract; in the order of one machine's life. Without a daemon and without a chain.
 */

const OWNER = '0x8ba1f109551bd432803012645ac136ddd64dba72';
const BUYER = '0x00000000000000000000000000000000000000b1';
const MADE =
  '{"status":"ok","vm_name":"testbox","ip":"10.77.0.10","ipv6":"","vmid":"testbox","nft_token_id":1,"username":"customer"}\n';
const today = () => new Date().toISOString().slice(0, 10);
const sentence = (program: string) => new RegExp(`^${program}: [^\\n]+\\n$`);

// Where namespaces are refused there is no bridge to build machines on.
describe.skipIf(!namespacesAllowed())('the commands of the contract (§2)', () => {
  let host: ContractHost;
  const run = (program: string, ...argv: readonly string[]): Promise<Ended> => host.run(program, ...argv);
  const vm = (verb: string, ...argv: readonly string[]) => run(`blockhost-vm-${verb}`, ...argv);
  const state = async () => (await host.lab.tryVirsh('domstate', 'testbox')).stdout.trim() || 'absent';
  const printed = (words: string) => ({ exitCode: 0, stdout: words, stderr: '' });
  const refuses = async (program: string, ...argv: readonly string[]) => {
    const ended = await run(program, ...argv);
    expect(ended).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ended.stderr).toMatch(sentence(program));
    return ended.stderr;
  };

  beforeAll(async () => {
    host = await openContractHost();
  });
  afterAll(() => host?.close());

  describe('blockhost-provisioner-detect', () => {
    it('says with exit 0 and not a word that machines can run here', async () => {
      expect(await run('blockhost-provisioner-detect')).toEqual(printed(''));
    });
  });

  describe('blockhost-vm-create', () => {
    const argv = ['testbox', '--owner-wallet', OWNER, '--memory', '256', '--disk', '1', '--username', 'customer'];

    it('names in one sentence what is missing, prints nothing and leaves nothing', async () => {
      expect(await refuses('blockhost-vm-create', ...argv, '--apply')).toContain('run blockhost-build-template');
      expect([await state(), await host.record('testbox')]).toEqual(['absent', undefined]);
      await host.installTemplate();
    });

    it('without --apply tells the values that would be used, and changes nothing (D18)', async () => {
      const plan = await vm('create', ...argv);
      expect(plan).toMatchObject({ exitCode: 0, stdout: MADE });
      expect(plan.stderr).toContain('plan for testbox; nothing is changed without --apply\n');
      expect([await state(), await host.record('testbox')]).toEqual(['absent', undefined]);
    });

    it('prints one line of JSON with all seven fields; the machine runs and is in the records', async () => {
      expect(await vm('create', ...argv, '--expiry-days', '30', '--no-mint', '--apply')).toMatchObject({
        exitCode: 0,
        stdout: MADE,
      });
      expect(await state()).toBe('running');
      expect(await host.record('testbox')).toMatchObject({
        vm_name: 'testbox',
        vmid: 0,
        ip_address: '10.77.0.10',
        ipv6_address: '',
        status: 'active',
        owner: OWNER,
        wallet_address: OWNER,
        owner_wallet: OWNER,
        username: 'customer',
        gecos_synced: true,
        nft_token_id: 1,
        expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00$/),
      });
    });

    it('refuses a name that is taken', async () => {
      expect(await refuses('blockhost-vm-create', ...argv, '--apply')).toContain('testbox');
      expect(await state()).toBe('running');
    });
  });

  describe('blockhost-vm-status and blockhost-vm-list', () => {
    it('status prints active', async () => {
      expect(await vm('status', 'testbox')).toEqual(printed('active\n'));
    });

    it('list prints four columns with tabs between them, below their names (D4)', async () => {
      expect(await vm('list')).toEqual(printed(`NAME\tSTATUS\tIP\tCREATED\ntestbox\tactive\t10.77.0.10\t${today()}\n`));
    });

    it('list prints pure JSON for each of the three spellings that callers use (interop §8)', async () => {
      const all = [{ name: 'testbox', status: 'active', ip: '10.77.0.10', created: today() }];
      for (const spelling of [['--format', 'json'], ['--format=json'], ['--json']]) {
        const { stdout, ...ended } = await vm('list', ...spelling);
        expect(ended).toEqual({ exitCode: 0, stderr: '' });
        expect(JSON.parse(stdout)).toEqual(all);
      }
    });
  });

  describe('blockhost-vm-metrics', () => {
    it('prints one JSON object: integers, but for the percentage, a flag and a word (interop §8)', async () => {
      const { stdout, ...ended } = await vm('metrics', 'testbox');
      expect(ended).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toMatch(/^\{[^\n]+\}\n$/);
      const found = JSON.parse(stdout) as Record<string, unknown>;
      const { cpu_percent, guest_agent_responsive, state: word, ...integers } = found;
      expect([typeof cpu_percent, guest_agent_responsive, word]).toEqual(['number', true, 'running']);
      expect(Object.keys(integers).sort().join(' ')).toBe(
        'cpu_count disk_read_bytes_sec disk_read_iops disk_total_mb disk_used_mb disk_write_bytes_sec disk_write_iops ' +
          'memory_total_mb memory_used_mb net_connections net_rx_bytes_sec net_tx_bytes_sec uptime_seconds',
      );
      expect(Object.values(integers).filter((value) => !Number.isInteger(value))).toEqual([]);
      expect(integers).toMatchObject({ cpu_count: 1, memory_total_mb: 256, disk_total_mb: 1024 });
    });

    it('exits 1 for a machine that does not exist', async () => {
      await refuses('blockhost-vm-metrics', 'nobody');
    });
  });

  describe('blockhost-vm-throttle', () => {
    it('does nothing and exits 0 where nothing is asked', async () => {
      expect(await vm('throttle', 'testbox')).toEqual(printed(''));
    });

    it('prints one line for each change, adds to what was set, and takes all away again', async () => {
      const set = await vm('throttle', 'testbox', '--iops-read', '100', '--iops-write', '50');
      expect(set).toMatchObject({ exitCode: 0, stderr: '' });
      expect(set.stdout.split('\n')).toEqual([expect.stringMatching('100'), expect.stringMatching('50'), '']);
      expect((await vm('throttle', 'testbox', '--iops-read', '200')).stdout).toMatch(/^[^\n]*200[^\n]*\n$/);
      const tuned = await host.lab.virsh('blkdeviotune', 'testbox', 'vda');
      expect(tuned).toMatch(/read_iops_sec *: 200\n/);
      expect(tuned).toMatch(/write_iops_sec *: 50\n/);
      expect((await vm('throttle', 'testbox', '--reset')).exitCode).toBe(0);
      expect(await host.lab.virsh('blkdeviotune', 'testbox', 'vda')).toMatch(/read_iops_sec *: 0\n/);
    });

    it('refuses what is out of bounds', async () => {
      for (const asked of [
        ['--cpu-quota', '101'],
        ['--cpu-shares', '10001'],
        ['--iops-read', '-1'],
      ]) {
        expect(await vm('throttle', 'testbox', ...asked)).toMatchObject({ exitCode: 1, stdout: '' });
      }
    });
  });

  describe('blockhost-vm-guest-exec and blockhost-vm-update-gecos', () => {
    it('guest-exec has the exit code, stdout and stderr of the guest’s command', async () => {
      const command = ['sh', '-c', 'printf "<%s>" "$1"; echo oops >&2; exit 7', 'sh', "it's $HOME"];
      expect(await vm('guest-exec', 'testbox', ...command)).toEqual({
        exitCode: 7,
        stdout: "<it's $HOME>",
        stderr: 'oops\n',
      });
    });

    it('update-gecos lets the guest name wallet and token', async () => {
      expect(await vm('update-gecos', 'testbox', BUYER, '--nft-id', '7')).toEqual(printed(''));
      expect(await inside(host.lab, 'testbox').gecos()).toBe(`wallet=${BUYER},nft=7`);
    });
  });

  describe('blockhost-vm-stop, start and kill', () => {
    it('stop shuts the guest down; status says suspended', async () => {
      expect(await vm('stop', 'testbox')).toMatchObject({ exitCode: 0, stderr: '' });
      expect(await state()).toBe('shut off');
      expect(await vm('status', 'testbox')).toEqual(printed('suspended\n'));
    });

    it('update-gecos and guest-exec exit 1 for a machine that is off (interop §8)', async () => {
      await refuses('blockhost-vm-update-gecos', 'testbox', BUYER, '--nft-id', '8');
      await refuses('blockhost-vm-guest-exec', 'testbox', 'true', 'x');
    });

    it('start starts it; kill takes the power; each may be said twice', async () => {
      for (const [verb, then] of [
        ['start', 'running'],
        ['start', 'running'],
        ['kill', 'shut off'],
        ['kill', 'shut off'],
        ['stop', 'shut off'],
      ] as const) {
        expect([verb, await vm(verb, 'testbox')]).toMatchObject([verb, { exitCode: 0, stderr: '' }]);
        expect(await state()).toBe(then);
      }
    });

    it('exit 1 with one sentence for a machine that nobody knows', async () => {
      for (const verb of ['start', 'stop', 'kill', 'resume']) await refuses(`blockhost-vm-${verb}`, 'nobody');
    });
  });

  describe('blockhost-vm-gc and blockhost-vm-resume', () => {
    const HOUR_AGO = new Date(Date.now() - 3_600_000).toISOString().replace(/\.\d+Z$/, '+00:00');

    it('resume starts what was stopped, and is no error where it runs (D15)', async () => {
      for (const _ of [1, 2]) expect(await vm('resume', 'testbox')).toMatchObject({ exitCode: 0, stderr: '' });
      expect(await state()).toBe('running');
    });

    it('gc counts both phases, and without --execute does nothing', async () => {
      expect(await vm('gc')).toEqual(printed('Suspend: 0 candidates\nDestroy: 0 candidates\n'));
      await host.changeRecord('testbox', { expires_at: HOUR_AGO });
      expect(await vm('gc')).toMatchObject({ exitCode: 0, stdout: 'Suspend: 1 candidate\nDestroy: 0 candidates\n' });
      expect(await vm('gc', '--destroy-only')).toMatchObject({ exitCode: 0, stdout: 'Destroy: 0 candidates\n' });
      expect(await state()).toBe('running');
    });

    it('gc --execute suspends; who is suspended in this run is not destroyed in it', async () => {
      expect(await vm('gc', '--execute', '--grace-days', '0')).toMatchObject({
        exitCode: 0,
        stdout: 'Suspend: 1 candidate\nDestroy: 0 candidates\n',
      });
      expect([await state(), (await host.record('testbox'))?.status]).toEqual(['shut off', 'suspended']);
      expect(await vm('gc', '--execute')).toEqual(printed('Suspend: 0 candidates\nDestroy: 0 candidates\n'));
    });

    it('resume --extend-days starts it and grants the days; --dry-run only tells', async () => {
      expect((await vm('resume', 'testbox', '--extend-days', '3', '--dry-run')).exitCode).toBe(0);
      expect([await state(), (await host.record('testbox'))?.status]).toEqual(['shut off', 'suspended']);
      expect((await vm('resume', 'testbox', '--extend-days', '3')).exitCode).toBe(0);
      expect([await state(), (await host.record('testbox'))?.status]).toEqual(['running', 'active']);
      const days = (Date.parse(String((await host.record('testbox'))?.expires_at)) - Date.now()) / 86_400_000;
      expect(Math.round(days * 100) / 100).toBe(3);
    });
  });
});
