import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { namespacesAllowed } from '../lab/libvirtd-process.ts';
import { createFirstBootHost, type FirstBootOptions } from '../support/first-boot/first-boot-host.ts';

/*
 * The hook as the host's first boot runs it: the real script and the real bash, with a copy of /etc and most of the host's
 * programs played by one stub.
 */

const hostWith = (options: FirstBootOptions = {}): ReturnType<typeof createFirstBootHost> => {
  const host = createFirstBootHost(options);
  onTestFinished(() => host.remove());
  return host;
};

const KVM_WORKS = 'works: a guest executed on it';
const DONE = { '.step-libvirt': 'done', '.step-kvm-check': KVM_WORKS };
/** Without the words that tell the time, and whose they are. */
const said = (lines: readonly string[]): string[] =>
  lines.map((line) => line.replace(/^\S+ \[provisioner-libvirt\] /, ''));

describe.skipIf(!namespacesAllowed())('the first boot', () => {
  it('makes a bare host ready, and finds nothing to do the second time', async () => {
    const host = hostWith({ kvm: 'works', files: { network: '' } });
    const first = await host.run();
    expect(said(first.lines)).toEqual([
      'step libvirt: packages, user, directories, service',
      'installing qemu-system-x86 qemu-utils libvirt-daemon-system libvirt-clients cloud-image-utils genisoimage iproute2 iptables e2fsprogs mmdebstrap',
      'step kvm-check',
      `KVM ${KVM_WORKS}`,
      'ready for machines',
    ]);
    expect(first.exitCode).toBe(0);
    expect(host.markers()).toEqual(DONE);
    expect(host.groupsOfUser()).toContain('libvirt');
    const uid = host.uidOfUser();
    expect(uid).toBeGreaterThan(0);
    for (const name of ['', 'vms', 'provisioner', 'provisioner/bases'])
      expect(host.directory(name)).toMatchObject({ mode: expect.stringMatching(/^2[70]?7[0-7]1|^277[15]$/), uid });
    expect(first.calls.filter((call) => call.startsWith('systemctl'))).toEqual([
      'systemctl list-unit-files libvirtd.service',
      'systemctl enable libvirtd.service',
      'systemctl start libvirtd.service',
    ]);
    expect(host.has('network')).toBe(false);
    const log = readFileSync(host.logFile, 'utf8');
    expect(log).toContain('ready for machines');
    expect(log).toContain('Setting up packages');

    const second = await host.run();
    expect([second.exitCode, said(second.lines), second.calls]).toEqual([0, ['ready for machines'], []]);
  });

  it.each([' update', ' install ', 'systemctl start', 'net-destroy', 'qemu-system-x86_64'])(
    'that is killed at `%s` is finished by the next one',
    async (cut) => {
      const host = hostWith({ kvm: 'works', files: { network: '', cut } });
      const killed = await host.run();
      expect(killed.exitCode).not.toBe(0);
      expect(host.markers()).toEqual(cut.startsWith('qemu') ? { '.step-libvirt': 'done' } : {});
      const again = await host.run();
      expect([again.exitCode, said(again.lines).at(-1)]).toEqual([0, 'ready for machines']);
      expect(host.markers()).toEqual(DONE);
      expect(host.has('network')).toBe(false);
    },
  );

  it('waits for an apt that somebody else has locked', async () => {
    const host = hostWith({ kvm: 'works', files: { locked: '3' } });
    const { exitCode, lines } = await host.run();
    expect(exitCode).toBe(0);
    expect(said(lines)).toContain('packages are not installed yet (attempt 1 of 8); again in 0 s');
    expect(host.markers()).toEqual(DONE);
  });

  it('gives up on an apt that stays locked with one clear line, and goes on where it was when run again', async () => {
    const host = hostWith({ kvm: 'works', files: { locked: '1000' } });
    const { exitCode, lines } = await host.run({ BLOCKHOST_APT_ATTEMPTS: '2' });
    expect(exitCode).toBe(1);
    expect(said(lines).at(-1)).toMatch(
      /^ERROR: not installed after 2 attempts: qemu-system-x86 .* - see to the network and to apt-get, then run this again$/,
    );
    expect(host.markers()).toEqual({});
    host.set('locked', '0');
    expect((await host.run()).exitCode).toBe(0);
    expect(host.markers()).toEqual(DONE);
  });

  it('stops where libvirt does not answer, and says where to look', async () => {
    const host = hostWith({ kvm: 'works', files: { deaf: '' } });
    const { exitCode, lines } = await host.run();
    expect(exitCode).toBe(1);
    expect(said(lines).at(-1)).toBe(
      'ERROR: libvirt does not answer after 1 s; look at: journalctl -u libvirtd.service',
    );
    expect(host.markers()).toEqual({});
  });

  it.each(['on-default', 'unknown'])('leaves the default network to a guest that is %s', async (guest) => {
    const host = hostWith({ kvm: 'works', files: { network: '', guests: `on-bridge\n${guest}\n` } });
    const { exitCode, lines } = await host.run();
    expect(exitCode).toBe(0);
    expect(said(lines)).toContain(`the network 'default' stays as it is for ${guest}`);
    expect(host.has('network')).toBe(true);
  });

  it('takes the default network away from guests that are not on it', async () => {
    const host = hostWith({ kvm: 'works', files: { network: '', guests: 'on-bridge\n' } });
    expect((await host.run()).exitCode).toBe(0);
    expect(host.has('network')).toBe(false);
  });

  it.each<[FirstBootOptions['kvm'], RegExp]>([
    [undefined, /^missing: there is no \/dev\/kvm; switch on VT-x or AMD-V/],
    ['refused', /^refused: qemu ended with 1: Could not access KVM kernel module/],
    ['dead', /^dead: \/dev\/kvm is there, and a guest executed nothing within 1 s$/],
  ])('says honestly how KVM is and goes on: %s', async (kvm, wanted) => {
    const host = hostWith(kvm === undefined ? {} : { kvm });
    const { exitCode, lines } = await host.run();
    expect(exitCode).toBe(0);
    expect(host.markers()['.step-kvm-check']).toMatch(wanted);
    expect(said(lines)).toContain('WARNING: machines are emulated on this host, many times slower than on hardware');
  });

  it('sees a guest that really executes: the same firmware under qemu’s translator', async () => {
    const host = hostWith({ kvm: 'translated' });
    expect((await host.run({ BLOCKHOST_KVM_WAIT_SECONDS: '30' })).exitCode).toBe(0);
    expect(host.markers()['.step-kvm-check']).toBe(KVM_WORKS);
  });

  it('works where no systemd runs, on what is really installed, and touches no network of a libvirt that is not there', async () => {
    const host = hostWith({
      systemd: false,
      real: ['dpkg-query', 'qemu-system-x86_64', 'modprobe'],
      files: { deaf: '' },
    });
    const { exitCode, lines } = await host.run();
    expect(said(lines)).toContain('systemd does not run here: libvirt is installed, and not started');
    expect(exitCode).toBe(0);
    expect((await host.run()).calls).toEqual([]);
  });

  it('goes on without a log that cannot be written', async () => {
    const host = hostWith({ kvm: 'works' });
    mkdirSync(host.logFile, { recursive: true });
    const { exitCode, lines } = await host.run();
    expect([exitCode, said(lines)[0]]).toEqual([0, `cannot write ${host.logFile}; going on without it`]);
  });

  it('stops where its state has no place', async () => {
    const host = hostWith({ files: { state: 'a file' } });
    const { exitCode, lines } = await host.run();
    expect([exitCode, said(lines).at(-1)]).toEqual([
      1,
      `ERROR: cannot make ${host.stateDir}; free the path, then run this again`,
    ]);
  });

  it('does nothing for anybody but root', async () => {
    const host = hostWith();
    const { exitCode, lines } = await host.run({}, ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']);
    expect([exitCode, said(lines)]).toEqual([1, ['ERROR: this must run as root']]);
    expect(existsSync(host.stateDir)).toBe(false);
  });
});
