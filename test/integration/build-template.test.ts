import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DebianGuest, defineDebianGuest } from '../lab/debian-guest.ts';
import { buildDebianTemplate, type DebianTemplate, labPackage } from '../lab/debian-template.ts';
import { type LibvirtLab, startLibvirt } from '../lab/libvirt.ts';
import { namespacesAllowed } from '../lab/libvirtd-process.ts';
import { until } from '../lab/processes.ts';

const GECOS = 'wallet=0x00000000000000000000000000000000000000aa,nft=7';
const MAC = '52:54:00:00:00:07';
const userData = `#cloud-config
users:
  - name: customer
    gecos: '${GECOS}'
    shell: /bin/bash
    lock_passwd: true
`;
// What qemu's own network has; fixed all the same, as machines of ours are.
const networkConfig = `version: 2
ethernets:
  net0:
    match: { macaddress: '${MAC}' }
    set-name: net0
    addresses: [10.0.2.77/24, 'fd00:7::77/128']
    nameservers: { addresses: [10.0.2.3] }
    routes: [{ to: 0.0.0.0/0, via: 10.0.2.2 }]
`;
const BUILD_MS = 1_200_000;

let template: DebianTemplate;
let dir = '';
let raw = '';

/** The image's own files, read without mounting it. */
const inImage = async (command: string): Promise<string> => (await execa('debugfs', ['-R', command, raw])).stdout;
const namesIn = async (folder: string): Promise<string[]> =>
  (await inImage(`ls -p ${folder}`))
    .split('\n')
    .map((line) => line.split('/')[5] ?? '')
    .filter((name) => name !== '' && name !== '.' && name !== '..');
const textOf = async (file: string): Promise<string> =>
  (await inImage(`cat ${file}`)).replace(/^debugfs[^\n]*\n/gm, '');

describe('blockhost-build-template on Debian packages', () => {
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'bt-'));
    template = await buildDebianTemplate();
    raw = join(dir, 'disk.raw');
    await execa('qemu-img', ['convert', '-O', 'raw', template.image, raw]);
  }, BUILD_MS);
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it('says on stdout what it built, and on stderr how it went', async () => {
    expect(template.stdout).toContain(`built ${template.digest}`);
    expect(template.stdout).toMatch(/source {4}Debian [a-z]+\n/);
    expect(template.stdout).toMatch(/kernel \d+\.\d+\.\S+-cloud-amd64/);
    expect(template.stdout).toMatch(/mode {6}packages\n/);
    expect(template.stdout).toContain(`${labPackage.name} ${labPackage.version}`);
    expect(template.stderr).toMatch(/making the disk image/);
    const { size } = await stat(template.image);
    console.log(`built in ${(template.tookMs / 1000).toFixed(0)} s, ${Math.round(size / 1024 ** 2)} MiB`);
  });

  it('has every local package with what that depends on', async () => {
    expect(await textOf(labPackage.mark)).toBe('installed');
    expect(await namesIn('/usr/bin')).toContain('hello');
  });

  it('holds nothing that all machines would share or that tells of its builder', async () => {
    expect((await namesIn('/etc/ssh')).filter((name) => name.startsWith('ssh_host_'))).toEqual([]);
    expect(await textOf('/etc/machine-id')).toBe('');
    expect(await namesIn('/var/lib/dbus')).not.toContain('machine-id');
    expect(await namesIn('/var/lib/systemd')).not.toContain('random-seed');
    expect(await namesIn('/var/lib/systemd')).not.toContain('credential.secret');
    expect(await namesIn('/etc')).not.toContain('hostname');
    expect(await namesIn('/root')).not.toContain('.ssh');
    expect(await namesIn('/var/lib/cloud')).toEqual([]);
    expect(await namesIn('/tmp')).toEqual([]);
    expect(await textOf('/etc/shadow')).not.toMatch(/^[^:]+:\$/m);
    const links = await inImage('stat /etc/resolv.conf');
    expect(links).toContain('run/systemd/resolve/stub-resolv.conf');
  });

  it('holds neither package lists nor caches nor logs nor the settings of its build', async () => {
    expect((await namesIn('/var/lib/apt/lists')).filter((name) => !['lock', 'partial'].includes(name))).toEqual([]);
    expect((await namesIn('/var/cache/apt/archives')).filter((name) => name.endsWith('.deb'))).toEqual([]);
    expect((await namesIn('/var/log')).filter((name) => name.endsWith('.log'))).toEqual([]);
    expect(await namesIn('/etc/apt/apt.conf.d')).not.toContain('99mmdebstrap');
    expect(await namesIn('/etc/dpkg/dpkg.cfg.d')).not.toContain('99mmdebstrap');
    expect(await textOf('/etc/apt/sources.list')).toMatch(/^deb http:\/\/deb\.debian\.org\/debian [a-z]+ main\n/);
  });

  it('asks only the seed who it is', async () => {
    expect(await textOf('/etc/cloud/cloud.cfg.d/90-blockhost.cfg')).toMatch(/^datasource_list: \[ NoCloud \]$/m);
  });

  it('is a file system without faults', async () => {
    await execa('e2fsck', ['-n', '-f', raw]);
  });
});

// create-debian.test.ts boots one as well, and asks it the same. Where it cannot (no namespaces), or with FULL=1, here is one
// that nothing of ours has made, and that is seen on its serial console.
describe.skipIf(namespacesAllowed() && !process.env.FULL)('a guest of that template', () => {
  let lab: LibvirtLab;
  let guest: DebianGuest;
  let agentMs = 0;
  let loginMs = 0;

  beforeAll(async () => {
    template = await buildDebianTemplate();
    const home = await mkdtemp(join(tmpdir(), 'bh-'));
    lab = await startLibvirt({ dir: join(home, 'l') });
    const options = { name: 'debian', dir: join(home, 'd'), userData, networkConfig, mac: MAC };
    guest = await defineDebianGuest(lab, template, options);
    const startedMs = performance.now();
    await guest.start();
    agentMs = await guest.waitAgent(400_000);
    const prompt = async (): Promise<boolean> => /\bdebian login: /.test(await guest.console());
    await until('a login prompt on the serial console', prompt, { timeoutMs: 300_000, everyMs: 250 }).catch(
      async (error: Error) => {
        throw new Error(`${error.message}\n${(await guest.console()).slice(-3000)}`);
      },
    );
    loginMs = performance.now() - startedMs;
    await guest.output('cloud-init', 'status', '--wait');
  }, BUILD_MS);
  afterAll(async () => {
    await lab?.stop();
    if (lab !== undefined) await rm(join(lab.dir, '..'), { recursive: true, force: true });
  }, 60_000);

  it('answers its agent and shows a login prompt on the serial console', () => {
    console.log(`agent after ${(agentMs / 1000).toFixed(0)} s, login prompt after ${(loginMs / 1000).toFixed(0)} s`);
    expect(agentMs).toBeGreaterThan(0);
  });

  it('has the user, and his GECOS, as cloud-init was told', async () => {
    expect((await guest.output('getent', 'passwd', 'customer')).split(':')[4]).toBe(GECOS);
    expect(await guest.output('hostname')).toBe('debian');
  });

  it('took everything from the seed and without a fault', async () => {
    const { v1 } = JSON.parse(await guest.output('cat', '/run/cloud-init/result.json'));
    expect(v1.errors).toEqual([]);
    expect(v1.datasource).toMatch(/^DataSourceNoCloud /);
    expect(await guest.output('systemctl', 'list-units', '--failed', '--plain', '--no-legend')).toBe('');
  });

  it('has the addresses and routes that it was given', async () => {
    const addresses = await guest.output('ip', '-o', 'addr', 'show', 'dev', 'net0');
    expect(addresses).toContain('inet 10.0.2.77/24');
    expect(addresses).toContain('inet6 fd00:7::77/128');
    expect(await guest.output('ip', 'route')).toMatch(/^default via 10\.0\.2\.2 dev net0/m);
  });

  it('made secrets of its own, and grew its file system to its disk', async () => {
    expect(await guest.output('cat', '/etc/machine-id')).toMatch(/^[0-9a-f]{32}$/);
    expect(await guest.output('cat', '/etc/ssh/ssh_host_ed25519_key.pub')).toMatch(/^ssh-ed25519 /);
    expect(Number(await guest.output('stat', '-f', '-c', '%b', '/')) * 4096).toBeGreaterThan(7 * 1024 ** 3);
    expect(await guest.output('systemctl', 'is-active', 'ssh')).toBe('active');
  });
});
