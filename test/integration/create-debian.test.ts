import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildDebianTemplate } from '../lab/debian-template.ts';
import { inside } from '../lab/guest.ts';
import { namespacesAllowed } from '../lab/libvirtd-process.ts';
import { until } from '../lab/processes.ts';
import { openRealHost, type RealHost } from './real-host.ts';
import { openOperations } from './real-operations.ts';

const NAME = 'blockhost-001';
const THEIRS = {
  name: 'theirs',
  owner: `0x${'a1'.repeat(20)}`,
  username: 'user',
  expiresAtUnix: 2_000_000_000n,
  createdAtUnix: 1n,
  status: 'active',
} as const;
const BUILD_MS = 1_200_000;

/** The host as `blockhost-build-template` left it. */
const debian = async (basesDir: string): Promise<void> => {
  const { basesDir: built } = await buildDebianTemplate();
  await execa('cp', ['--archive', '--reflink=auto', `${built}/.`, basesDir]);
  await rm(join(basesDir, 'run.json'));
};

/** What needs another boot of a Debian, which takes an emulated processor minutes. */
const andAgain = it.runIf(process.env.FULL);

// Where namespaces are refused there is no bridge to build on.
describe.skipIf(!namespacesAllowed())('a whole Debian, made by blockhost-vm-create', () => {
  let host: RealHost;
  let wallet: string;
  const inGuest = async (...argv: string[]): Promise<string> => {
    const { exitCode, out, err } = await host.run('guest-exec', NAME, ...argv);
    if (exitCode !== 0) throw new Error(`${argv.join(' ')}: exit ${exitCode}: ${err}`);
    return out;
  };

  const sshBanner = async (address: string): Promise<string> => {
    const script = `exec 3<>/dev/tcp/${address}/22; head -n 1 <&3`;
    const argv = ['--target', String(host.libvirt.pid), '--net', 'timeout', '10', 'bash', '-c', script];
    return (await execa('nsenter', argv, { reject: false })).stdout;
  };
  /** What its owner would miss, and what a first boot would make anew. */
  const look = (): Promise<string> => {
    const files = '/var/local/kept /etc/ssh/ssh_host_*_key.pub /var/lib/cloud/data/instance-id /etc/machine-id';
    return inGuest('sh', '-c', `cat ${files} && getent passwd customer`);
  };
  let portrait = '';

  beforeAll(async () => {
    host = await openRealHost({ template: debian });
    wallet = host.chain.accounts[1] ?? '';
    await host.chain.buy(wallet, 7200);
  }, BUILD_MS);
  afterAll(() => host?.cleaner.clean(), 60_000);

  it('is made, and its agent answers', async () => {
    const argv = ['--owner-wallet', wallet, '--cpu', '2', '--memory', '1024', '--disk', '8', '--username', 'customer'];
    const done = await host.run('create', NAME, ...argv, '--no-mint', '--apply');
    expect(done).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(done.out)).toMatchObject({
      vm_name: NAME,
      ip: '10.77.0.2',
      ipv6: 'fd77::3',
      username: 'customer',
    });
    const restMs = await inside(host.libvirt, NAME).waitAgent(240_000);
    console.info(
      `a Debian machine: create ${(done.tookMs / 1000).toFixed(1)} s, agent ${(restMs / 1000).toFixed(1)} s after it`,
    );
  }, 400_000);

  it('has the account, the owner and the addresses that it was sold with', async () => {
    const finished = async (): Promise<boolean> => {
      const status = await host.run('guest-exec', NAME, 'cloud-init', 'status');
      return /status: (done|error)/.test(status.out);
    };
    const tookMs = await until('cloud-init is through', finished, { timeoutMs: 240_000, everyMs: 1000 });
    console.info(`cloud-init was through ${(tookMs / 1000).toFixed(1)} s later`);
    expect(await inGuest('cloud-init', 'status')).toContain('status: done');
    expect(await inGuest('getent', 'passwd', 'customer')).toMatch(
      new RegExp(`^customer:x:1000:\\d+:wallet=${wallet.toLowerCase()},nft=1:[^:]+:/bin/bash$`, 'm'),
    );
    expect((await inGuest('hostname')).trim()).toBe(NAME);
    const addresses = await inGuest('ip', '-o', 'addr', 'show', 'dev', 'eth0');
    expect(addresses).toContain('inet 10.77.0.2/24');
    expect(addresses).toContain('inet6 fd77::3/128');
    const routes = (await inGuest('ip', 'route')) + (await inGuest('ip', '-6', 'route'));
    expect(routes).toMatch(/default via 10\.77\.0\.1 dev eth0/);
    expect(routes).toMatch(/default via fd77::1 dev eth0/);
    expect((await inGuest('lsblk', '-bdno', 'SIZE', '/dev/vda')).trim()).toBe(String(8 * 1024 ** 3));
    expect(Number(await inGuest('stat', '-f', '-c', '%b', '/')) * 4096).toBeGreaterThan(7 * 1024 ** 3);
  }, 400_000);

  it('took all of it from its seed without a fault, and made secrets of its own', async () => {
    const { v1 } = JSON.parse(await inGuest('cat', '/run/cloud-init/result.json'));
    expect(v1).toMatchObject({ errors: [], datasource: expect.stringMatching(/^DataSourceNoCloud /) });
    expect(await inGuest('systemctl', 'list-units', '--failed', '--plain', '--no-legend')).toBe('');
    expect(await inGuest('systemctl', 'is-active', 'ssh', 'serial-getty@ttyS0')).toBe('active\nactive\n');
    expect(await inGuest('cat', '/etc/machine-id')).toMatch(/^[0-9a-f]{32}$/m);
    expect(await inGuest('cat', '/etc/ssh/ssh_host_ed25519_key.pub')).toMatch(/^ssh-ed25519 /);
  });

  it('answers from the bridge on its address, with the host keys of its own', async () => {
    const answers = async () => (await sshBanner('10.77.0.2')).startsWith('SSH-2.0-OpenSSH');
    await until('sshd answers', answers, { timeoutMs: 60_000, everyMs: 500 });
  });

  it('takes a new owner, and shuts down when it is asked to', async () => {
    const other = host.chain.accounts[2] ?? '';
    const renamed = await host.run('update-gecos', NAME, other, '--nft-id', '9');
    expect(renamed, renamed.err).toMatchObject({ exitCode: 0, out: '' });
    expect(await inGuest('getent', 'passwd', 'customer')).toContain(`:wallet=${other.toLowerCase()},nft=9:`);
    await inGuest('sh', '-c', 'echo mine >/var/local/kept');
    portrait = await look();
    const stopped = await host.run('stop', NAME);
    expect(stopped, stopped.err).toMatchObject({ exitCode: 0 });
    console.info(`it shut down within ${(stopped.tookMs / 1000).toFixed(1)} s`);
  }, 240_000);

  andAgain(
    'comes back out of quarantine at another address, for its own is given away: the same disk, no first boot',
    async () => {
      const operations = await openOperations(host);
      await operations.quarantine(NAME);
      expect((await host.libvirt.virsh('list', '--all', '--name')).trim()).toBe('');
      await operations.deps.records.restore({ ...THEIRS, ipAddress: '10.77.0.2', ipv6Address: 'fd77::3' });
      const record = async () => JSON.parse(await readFile(host.at('var/lib/blockhost/vms.json'), 'utf8')).vms[NAME];
      const back = async (): Promise<boolean> => {
        await operations.look(NAME);
        return (await record()).status === 'active';
      };
      await until('it is back', back, { timeoutMs: 60_000, everyMs: 500 });
      expect(await record()).toMatchObject({ ip_address: '10.77.0.3', ipv6_address: 'fd77::4' });
      expect(Object.keys(await host.routes())).toContain('fd77::4/128');
      expect(await host.libvirt.virsh('dumpxml', NAME)).toMatch(/name='IP' value='10\.77\.0\.3'/);
      const started = await host.run('start', NAME);
      expect(started, started.err).toMatchObject({ exitCode: 0 });
      const bootMs = await inside(host.libvirt, NAME).waitAgent(240_000);
      const taken = async (): Promise<boolean> => {
        await operations.look(NAME);
        return (await operations.machine(NAME)).formerAddresses?.stage === 'left';
      };
      const takenMs = await until('the guest has taken its new addresses', taken, { timeoutMs: 60_000, everyMs: 500 });
      console.info(
        `it was back: agent after ${(bootMs / 1000).toFixed(1)} s, addresses seen ${(takenMs / 1000).toFixed(1)} s later`,
      );
      const addresses = await inGuest('ip', '-br', 'addr', 'show', 'dev', 'eth0');
      console.info(addresses.trim());
      expect(addresses).toContain('10.77.0.3/24');
      expect(addresses).toContain('fd77::4/128');
      expect(addresses).not.toMatch(/10\.77\.0\.2\/|fd77::3\//);
      expect(await look()).toBe(portrait);
      const answers = async () => (await sshBanner('10.77.0.3')).startsWith('SSH-2.0-OpenSSH');
      await until('sshd answers at the new address', answers, { timeoutMs: 60_000, everyMs: 500 });
    },
    400_000,
  );

  it('is destroyed when it is asked for', async () => {
    expect(await host.run('destroy', NAME)).toMatchObject({ exitCode: 0 });
    expect((await host.libvirt.virsh('list', '--all', '--name')).trim()).toBe('');
  });
});
