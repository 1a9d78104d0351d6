import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { provideNode } from '../lab/node-runtimes.ts';
import { repositoryPath } from '../lab/repository.ts';
import { install, openPackageLab, PACKAGE, type PackageLab, pretendSystemd, tryInstall } from './package-host.ts';

/* The Debian package, installed by the real dpkg in throw-away copies of a Debian. As root only: elsewhere there is no chroot. */

const OUR_MINT = '../lib/blockhost-provisioner-libvirt/bin/blockhost-mint-nft.mjs';
const MINT = '/usr/bin/blockhost-mint-nft';
const engine = {
  name: 'blockhost-engine-evm',
  version: '0.1.0',
  files: { 'usr/bin/blockhost-mint-nft': '#!/bin/sh\necho of the engine\n' },
};

const installed = (host: { out(script: string): Promise<string> }): Promise<string> =>
  host.out(`dpkg-query -W -f '\${Version} \${db:Status-Status}' ${PACKAGE}`);

describe.skipIf(process.getuid?.() !== 0)('the Debian package', () => {
  let lab: PackageLab;
  beforeAll(async () => {
    lab = await openPackageLab();
  }, 900_000);
  afterAll(() => lab?.clean());

  it('passes lintian without an error or a warning', async () => {
    const { all, exitCode } = await execa('lintian', ['--fail-on', 'error,warning', lab.deb], {
      all: true,
      reject: false,
    });
    expect(all.replace('running with root privileges is not recommended!', '').trim()).toBe('');
    expect(exitCode).toBe(0);
  });

  it.runIf(process.env.FULL === '1')(
    'has the same bytes when it is built again, elsewhere in time and by other habits',
    async () => {
      const digest = async (deb: string) =>
        createHash('sha256')
          .update(await readFile(deb))
          .digest('hex');
      // The programs are bundled again as well.
      const env = { TZ: 'Pacific/Auckland', LC_ALL: 'C.UTF-8', SOURCE_DATE_EPOCH: '', BLOCKHOST_BUILT: '' };
      const again = await execa('sh', ['-c', 'umask 077; ./build-deb.sh'], { cwd: repositoryPath('.'), env });
      expect(await digest(repositoryPath(again.stdout))).toBe(await digest(lab.deb));
    },
  );

  it('is not built of parts that name different versions', async () => {
    const built = await execa('node', ['debian/same-version.mjs', '9.9.9'], {
      cwd: repositoryPath('.'),
      reject: false,
    });
    expect([built.exitCode, built.stderr.split('\n')]).toEqual([
      1,
      [
        expect.stringContaining('debian/changelog says version 9.9.9, package.json says 0.1.0'),
        expect.stringContaining('debian/changelog says version 9.9.9, provisioner.json says 0.1.0'),
      ],
    ]);
  });

  it('is installed where neither Node nor systemd nor libvirt is, complete', async () => {
    const host = await lab.host();
    await install(host, lab.deb);
    expect(await installed(host)).toBe('0.1.0 installed');

    const { commands, setup, root_agent_actions } = JSON.parse(
      await host.out('cat /usr/share/blockhost/provisioner.json'),
    );
    const callable: string[] = [...Object.values<string>(commands), setup.detect, 'blockhost-provisioner'];
    const links = await host.out(`cd /usr/bin; for name in ${callable.join(' ')}; do
      file=$(readlink -f $name); stat -c '%n %a %U' $file; head -n 1 $file
      grep -o "^complete -F .* $name$" /usr/share/bash-completion/completions/$name | cut -d' ' -f4
      ls /usr/share/man/man1/$name.1.gz
    done`);
    expect(links.split('\n')).toEqual(
      callable.flatMap((name) => [
        `/usr/lib/blockhost-provisioner-libvirt/bin/${name}.mjs 755 root`,
        '#!/usr/bin/node',
        name,
        `/usr/share/man/man1/${name}.1.gz`,
      ]),
    );
    expect(await host.out('readlink -f /usr/sbin/blockhost-provisionerd')).toBe(
      '/usr/lib/blockhost-provisioner-libvirt/bin/blockhost-provisionerd.mjs',
    );
    expect(await host.out(`readlink ${MINT}`)).toBe(OUR_MINT);
    expect((await host.run('dpkg', '-S', 'blockhost-mint-nft')).said).not.toMatch(
      /bin\/blockhost-mint-nft$|man1|completions/m,
    );

    const doc = '/usr/share/doc/blockhost-provisioner-libvirt';
    const brought: Record<string, string> = {
      'README.md': `${doc}/README.md`,
      'ARCHITECTURE.md': `${doc}/ARCHITECTURE.md`,
      'debian/copyright': `${doc}/copyright`,
      'hooks/first-boot.sh': setup.first_boot_hook,
      'hooks/root-agent/virsh.py': root_agent_actions,
      'hooks/wizard/wizard.py': '/usr/lib/python3/dist-packages/blockhost/provisioner_libvirt/wizard.py',
    };
    for (const [source, target] of Object.entries(brought).filter(([name]) => existsSync(repositoryPath(name)))) {
      expect(await readFile(join(host.dir, target), 'utf8'), target).toBe(
        await readFile(repositoryPath(source), 'utf8'),
      );
    }
    if (existsSync(repositoryPath('hooks/first-boot.sh'))) await host.out(`test -x ${setup.first_boot_hook}`);
  });

  it('enables what has a place in the boot, and leaves the nightly look to its timer', async () => {
    const units = ['blockhost-gc.timer', 'blockhost-provisioner.path', 'blockhost-provisioner.service'].filter((name) =>
      existsSync(repositoryPath('systemd', name)),
    );
    const withSystemd = await lab.host();
    const { asked } = await pretendSystemd(withSystemd);
    await install(withSystemd, lab.deb);
    expect(await asked()).toEqual([
      ...units.map((name) => `systemctl preset ${name}`),
      `systemctl start ${units.join(' ')}`,
    ]);

    const without = await lab.host();
    await install(without, lab.deb);
    const enabled = await without.out('cd /etc/systemd/system; ls *.wants/blockhost-*; cat *.wants/blockhost-*');
    for (const name of units) expect(enabled).toMatch(new RegExp(`^[a-z-]+\\.target\\.wants/${name}$`, 'm'));
    expect(enabled).toContain('ExecStart=/usr/lib/blockhost-provisioner-libvirt/bin/blockhost-provisionerd.mjs');
    expect(enabled).not.toContain('wants/blockhost-gc.service');
    expect(await without.out(`dpkg -L ${PACKAGE}`)).toContain(
      '\n/usr/lib/systemd/system/blockhost-provisioner.service',
    );
  });

  it('makes the user and the directories that are shared with it, and those alone', async () => {
    const host = await lab.host();
    await install(host, lab.deb);
    expect(await host.out('id -gn blockhost; getent passwd blockhost | cut -d: -f6,7')).toBe(
      'blockhost\n/var/lib/blockhost:/usr/sbin/nologin',
    );
    const modes = await host.out("cd /var/lib && find blockhost -printf '%p %m %u:%g\\n' | sort");
    expect(modes.split('\n')).toEqual([
      'blockhost 2771 blockhost:blockhost',
      'blockhost/provisioner 2771 blockhost:blockhost',
      'blockhost/provisioner/bases 2771 blockhost:blockhost',
      'blockhost/provisioner/locks 2770 blockhost:blockhost',
      'blockhost/provisioner/quarantine 2770 blockhost:blockhost',
    ]);
  });

  it('takes the user that is there, into the group of libvirt, and follows no link that it may have laid', async () => {
    const host = await lab.host();
    await host.out('adduser --quiet --system --group --home /srv blockhost; addgroup --quiet --system libvirt');
    await host.out('mkdir -m 750 /var/lib/blockhost /precious; ln -s /precious /var/lib/blockhost/provisioner');
    await install(host, lab.deb);
    expect(await host.out('id -Gn blockhost; getent passwd blockhost | cut -d: -f6')).toBe('blockhost libvirt\n/srv');
    expect(await host.out("stat -c '%a %U' /var/lib/blockhost /precious")).toBe('751 blockhost\n750 root');
    expect(await host.out('ls /precious')).toBe('');
  });

  it('is upgraded, not downgraded, removed, purged and installed again, while machines and data stay', async () => {
    const host = await lab.host();
    const { asked } = await pretendSystemd(host);
    await install(host, lab.deb);
    const keep = {
      'var/lib/blockhost/vms.json': '{}',
      'etc/blockhost/db.yaml': 'a: 1',
      'etc/blockhost/provisioner.yaml': '',
    };
    for (const [path, text] of Object.entries(keep)) await host.write(path, text, 0o640);
    await host.write('var/lib/blockhost/provisioner/journal.ndjson', 'an entry\n', 0o660);
    const data = (): Promise<string> =>
      host.out('cd / && find var/lib/blockhost etc/blockhost -ls -type f -exec cat {} +');
    const before = await data();
    await asked();

    await install(host, lab.newer);
    expect(await asked()).toEqual([expect.stringMatching(/^systemctl restart .*blockhost-provisioner\.service$/)]);

    const refused = await tryInstall(host, lab.older);
    expect(refused.exitCode).toBe(1);
    expect(refused.said).toContain('0.1.1 was installed here, and 0.0.9 may not understand what it wrote');
    expect(await installed(host)).toBe('0.1.1 installed');
    expect((await asked()).join('\n')).not.toMatch(/ stop |preset|gc\.service|virsh/);
    expect(await host.out(`readlink ${MINT}`)).toBe(OUR_MINT);

    const modules = ['share/blockhost/root-agent-actions', 'lib/python3/dist-packages/blockhost/provisioner_libvirt'];
    for (const path of modules.filter((folder) => existsSync(join(host.dir, 'usr', folder)))) {
      await host.write(`usr/${path}/__pycache__/virsh.cpython-311.pyc`, 'left by Python');
    }
    await host.out(`dpkg --remove ${PACKAGE}`);
    const stopped = await asked();
    expect(stopped).toContainEqual(expect.stringMatching(/^systemctl stop .*blockhost-provisioner\.service$/));
    expect(stopped.filter((line) => !/^systemctl stop( blockhost-[a-z.-]+)+$/.test(line))).toEqual([]);
    const left = 'find /usr -name "*blockhost-*" -o -path "*provisioner_libvirt*" -o -path "*root-agent-actions*"';
    expect(await host.out(`${left} | grep -v -e blockhost-common || true`)).toBe('');
    expect(await data()).toBe(before);

    expect((await tryInstall(host, lab.older)).exitCode).toBe(1);
    await host.write('run/blockhost-provisioner/daemon.lock', '');
    expect(await host.out(`dpkg --purge ${PACKAGE}`)).toContain('kept /etc/blockhost and /var/lib/blockhost');
    expect(await host.out('ls -d /run/blockhost* /etc/systemd/system/*/blockhost* 2>/dev/null || true')).toBe('');
    expect(await data()).toBe(before);

    await install(host, lab.older);
    expect(await installed(host)).toBe('0.0.9 installed');
    expect(await data()).toBe(before);
  });

  it("leaves the mint command to an engine, whichever comes first, and steps in when the engine's is gone", async () => {
    const theirs = await lab.dummy(engine);
    const after = await lab.host();
    await install(after, theirs);
    await install(after, lab.deb);
    expect(await after.out(MINT)).toBe('of the engine');
    await after.out(`dpkg --remove ${engine.name}`);
    expect(await after.out(`readlink ${MINT}`)).toBe(OUR_MINT);

    await install(after, theirs);
    expect(await after.out(`dpkg --verify ${engine.name}; ${MINT}`)).toBe('of the engine');
    expect(
      await after.out('test -x /usr/lib/blockhost-provisioner-libvirt/bin/blockhost-mint-nft.mjs && echo there'),
    ).toBe('there');
    await install(after, lab.newer);
    await after.out(`dpkg --purge ${PACKAGE}`);
    expect(await after.out(MINT)).toBe('of the engine');
  });

  it('leaves a mint command alone that somebody made by hand', async () => {
    const host = await lab.host();
    await host.out(`ln -s /opt/nowhere ${MINT}`);
    await install(host, lab.deb);
    await host.out(`dpkg --purge ${PACKAGE}`);
    expect(await host.out(`readlink ${MINT}`)).toBe('/opt/nowhere');
  });

  it('runs on the Node of Debian 12 by the names that callers look for', async ({ skip }) => {
    const found = await provideNode('18.19.0');
    if ('why' in found) return skip(found.why);
    const host = await lab.host();
    await install(host, lab.deb);
    await execa('cp', [found.node, join(host.dir, 'usr/bin/node')]);
    const programs = await host.out(
      'cd /usr/lib/blockhost-provisioner-libvirt/bin; for f in *.mjs; do basename $f .mjs; done',
    );
    const versions = await host.out(`for name in ${programs.replaceAll('\n', ' ')}; do $name --version; done`);
    expect(versions.split('\n')).toEqual(Array(18).fill('0.1.0'));

    // Engines tell from /proc whether a create is at work.
    await host.write('wait.cjs', "console.log('started');require('node:fs').readSync(0, Buffer.alloc(1));");
    const argv = [host.dir, '/usr/bin/blockhost-vm-create', 'blockhost-001'];
    const child = spawn('/usr/sbin/chroot', argv, { env: { NODE_OPTIONS: '--require /wait.cjs' } });
    try {
      await once(child.stdout, 'data');
      const commandLine = await readFile(`/proc/${child.pid}/cmdline`, 'utf8');
      expect(commandLine.split('\0')).toEqual(['/usr/bin/node', '/usr/bin/blockhost-vm-create', 'blockhost-001', '']);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
  });

  it('is never installed beside another provisioner', async () => {
    const host = await lab.host();
    const control = 'Provides: blockhost-provisioner\n';
    await install(host, await lab.dummy({ name: 'blockhost-provisioner-proxmox', version: '0.9.0', control }));
    const { exitCode, said } = await tryInstall(host, lab.deb);
    expect([exitCode, said]).toEqual([1, expect.stringContaining('blockhost-provisioner-proxmox')]);
    expect(existsSync(join(host.dir, 'usr/share/blockhost/provisioner.json'))).toBe(false);
  });
});
