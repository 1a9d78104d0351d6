import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildGuestImage } from '../../lab/guest-image.ts';
import { namespacesAllowed } from '../../lab/libvirtd-process.ts';
import type { Ended } from '../../lab/programs.ts';
import { type ContractHost, openContractHost } from './host.ts';

/* What the commands owe their callers while libvirt is away; then destroy; then the template and the mint, as far as they refuse. */

const OWNER = '0x8ba1f109551bd432803012645ac136ddd64dba72';
const NAME = 'blockhost-001';
const CREATE = [NAME, '--owner-wallet', OWNER, '--memory', '256', '--disk', '1', '--no-mint', '--apply'];

describe.skipIf(!namespacesAllowed())('the commands of the contract (§2)', () => {
  let host: ContractHost;
  const run = (program: string, ...argv: readonly string[]): Promise<Ended> => host.run(program, ...argv);
  const vm = (verb: string, ...argv: readonly string[]) => run(`blockhost-vm-${verb}`, ...argv);
  const state = async () => (await host.lab.tryVirsh('domstate', NAME)).stdout.trim() || 'absent';
  const kept = (path: string) => existsSync(join(host.root, 'var/lib/blockhost', path));
  const refuses = async (program: string, ...argv: readonly string[]) => {
    const ended = await run(program, ...argv);
    expect({ program, argv, ...ended }).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ended.stderr).toMatch(new RegExp(`^${program}: [^\\n]+\\n$`));
    return ended.stderr;
  };

  beforeAll(async () => {
    host = await openContractHost();
    await host.installTemplate();
    expect(await vm('create', ...CREATE)).toMatchObject({
      exitCode: 0,
      stdout: `{"status":"ok","vm_name":"${NAME}","ip":"10.77.0.10","ipv6":"","vmid":"${NAME}","nft_token_id":1,"username":"user"}\n`,
    });
  });
  afterAll(() => host?.close());

  describe('while libvirt is away', () => {
    beforeAll(() => host.lab.down());
    afterAll(() => host.lab.up());

    it('status is unknown, exit 0: never destroyed because libvirt is down (interop §8)', async () => {
      expect(await vm('status', NAME)).toMatchObject({ exitCode: 0, stdout: 'unknown\n' });
    });

    it('list is what the records say, exit 0', async () => {
      const { exitCode, stdout } = await vm('list', '--json');
      expect([exitCode, JSON.parse(stdout)]).toMatchObject([0, [{ name: NAME, status: 'active', ip: '10.77.0.10' }]]);
    });

    it('a machine that a record calls destroyed is so without libvirt’s word', async () => {
      await host.changeRecord('gone', {
        vm_name: 'gone',
        status: 'destroyed',
        expires_at: '2026-01-01T00:00:00+00:00',
      });
      expect(await vm('status', 'gone')).toMatchObject({ exitCode: 0, stdout: 'destroyed\n' });
    });

    it.each([
      ['start', NAME],
      ['stop', NAME],
      ['kill', NAME],
      ['resume', NAME],
      ['destroy', NAME],
      ['metrics', NAME],
      ['guest-exec', NAME, 'true', 'x'],
      ['update-gecos', NAME, OWNER, '--nft-id', '1'],
      ['throttle', NAME, '--iops-read', '9'],
      ['create', 'blockhost-002', '--owner-wallet', OWNER, '--apply'],
    ])('%s says so in one sentence, exits 1, and does nothing', async (verb, ...argv) => {
      const before = await host.record(NAME);
      const said = await refuses(`blockhost-vm-${verb}`, ...argv);
      expect(said).toMatch(/libvirt/);
      expect(said.match(/Failed to connect/g) ?? []).toHaveLength(1);
      expect([await host.record(NAME), await host.record('blockhost-002')]).toEqual([before, undefined]);
    });

    it('gc harms nobody whose time is over, and says what it cannot see', async () => {
      await host.changeRecord(NAME, { expires_at: '2026-01-01T00:00:00+00:00' });
      const ended = await vm('gc', '--execute');
      expect(ended.stdout).not.toMatch(/: [1-9]/);
      expect(ended.stderr).toMatch(/libvirt/);
      expect(await host.record(NAME)).toMatchObject({ status: 'active' });
    });

    it('throttle exits 0 all the same where nothing is asked (interop §8)', async () => {
      expect(await vm('throttle', NAME)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    });

    it('detect exits 1 without a word', async () => {
      expect(await run('blockhost-provisioner-detect')).toEqual({ exitCode: 1, stdout: '', stderr: '' });
    });
  });

  describe('blockhost-vm-destroy', () => {
    it('removes machine, disk, cloud-init and address; the record stays and says destroyed', async () => {
      expect([kept(`vms/${NAME}.qcow2`), kept(`cloud-init/${NAME}`)]).toEqual([true, true]);
      expect(await vm('destroy', NAME)).toMatchObject({ exitCode: 0, stderr: '' });
      expect(await state()).toBe('absent');
      expect([kept(`vms/${NAME}.qcow2`), kept(`cloud-init/${NAME}`)]).toEqual([false, false]);
      expect(await host.record(NAME)).toMatchObject({ status: 'destroyed', ip_address: '10.77.0.10' });
      expect(await vm('status', NAME)).toEqual({ exitCode: 0, stdout: 'destroyed\n', stderr: '' });
      expect((await vm('list')).stdout).toMatch(new RegExp(`\\n${NAME}\\tdestroyed\\t10.77.0.10\\t`));
    });

    it('is no error twice, nor for a machine that nobody ever knew', async () => {
      for (const name of [NAME, 'nobody']) {
        expect(await vm('destroy', name)).toMatchObject({ exitCode: 0, stderr: '' });
      }
    });

    it('leaves name and address to a new machine', async () => {
      expect(await vm('create', ...CREATE)).toMatchObject({ exitCode: 0 });
      expect([await state(), await host.record(NAME)]).toMatchObject([
        'running',
        { status: 'active', ip_address: '10.77.0.10' },
      ]);
    });
  });

  describe('blockhost-build-template', () => {
    it('takes an image whose checksum is right, once; a second time it is up to date', async () => {
      const { base } = await buildGuestImage();
      const digest = createHash('sha256')
        .update(await readFile(base))
        .digest('hex');
      const argv = ['--image', base, '--as-is', '--checksum', `sha256:${digest}`];
      const built = await run('blockhost-build-template', ...argv);
      expect([built.exitCode, built.stdout.split('\n')[0]]).toEqual([0, `built sha256:${digest}`]);
      expect((await readFile(join(host.root, 'var/lib/blockhost/provisioner/bases/current'), 'utf8')).trim()).toBe(
        `sha256:${digest}`,
      );
      const again = await run('blockhost-build-template', ...argv);
      expect([again.exitCode, again.stdout]).toEqual([0, expect.stringMatching(/^up to date: sha256:/)]);
      expect(await state()).toBe('running');
    }, 60_000);

    it('refuses an image whose checksum is wrong, and what is no image', async () => {
      const { base } = await buildGuestImage();
      await writeFile(join(host.root, 'page.html'), '<html>not found</html>');
      for (const argv of [
        ['--image', base, '--as-is', '--checksum', `sha256:${'0'.repeat(64)}`],
        ['--image', join(host.root, 'page.html'), '--as-is'],
        ['--image', join(host.root, 'nothing'), '--as-is'],
      ]) {
        const ended = await run('blockhost-build-template', ...argv);
        expect(ended).toMatchObject({ exitCode: 1, stdout: '' });
        expect(ended.stderr.trimEnd().split('\n').at(-1)).toMatch(/^blockhost-build-template: /);
      }
    });
  });
});
