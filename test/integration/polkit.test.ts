import { readFileSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ContractHost, openContractHost } from '../contract/commands/host.ts';
import { type Polkit, type PolkitUser, polkitRefusal, programInside, startPolkit } from '../lab/polkit.ts';
import { until } from '../lab/processes.ts';
import type { Ended } from '../lab/programs.ts';
import { repositoryPath } from '../lab/repository.ts';

/*
 * hooks/polkit on a real libvirtd that asks a real polkitd, both in namespaces of their own: what user `blockhost` may do
 * before, without and with the rules. Every act that has to be refused is seen to succeed where nothing refuses it.
 */

const RULES = repositoryPath('hooks/polkit/50-blockhost-provisioner.rules');
const OURS = 'blockhost-007';
const FOREIGN = 'vpn';
const FOREIGN_UUID = '6a3f6c1e-58a5-4a0b-8d35-0d0d4f0b7c11';
const MACHINE = 'blockhost-001';
const OWNER = '0x8ba1f109551bd432803012645ac136ddd64dba72';
const LONG_AGO = '2026-01-01T00:00:00+00:00';
const SECRET = 'secret12';

type Act = readonly string[];

const domainXml = (name: string, { uuid, disk }: { uuid?: string; disk?: string } = {}): string => `<domain type='qemu'>
  <name>${name}</name>
  ${uuid === undefined ? '' : `<uuid>${uuid}</uuid>`}
  <memory unit='MiB'>16</memory>
  <os><type machine='pc'>hvm</type></os>
  <devices>
    ${disk === undefined ? '' : `<disk type='file'><driver name='qemu' type='qcow2'/><source file='${disk}'/><target dev='vda'/></disk>`}
    <graphics type='vnc' passwd='${SECRET}'/>
  </devices>
</domain>
`;

const why = polkitRefusal();
const title = 'user blockhost and polkit';
describe.skipIf(why !== undefined)(why === undefined ? title : `${title} (not here: ${why})`, () => {
  let host: ContractHost;
  let polkit: Polkit;
  const at = (name: string): string => join(host.root, name);
  const virsh = (user: PolkitUser, ...argv: Act): Promise<Ended> =>
    polkit.run(user, ['virsh', '-q', '-c', 'qemu:///system', ...argv]);
  const root = async (...argv: Act): Promise<string> => {
    const { exitCode, stdout, stderr } = await virsh('root', ...argv);
    if (exitCode !== 0) throw new Error(`virsh ${argv.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  const domains = async (): Promise<readonly string[]> => (await root('list', '--all', '--name')).split('\n').sort();
  const secretOf = async (name: string): Promise<boolean> =>
    (await virsh('blockhost', 'dumpxml', '--security-info', name)).stdout.includes(SECRET);
  const portrait = async (name: string) => ({
    qemu: await host.lab.qemuPid(name),
    xml: await root('dumpxml', name, '--security-info'),
    state: await root('domstate', name, '--reason'),
  });

  /** What can be done to a machine that is off, in an order in which each act is possible. */
  const onMachine = (name: string): readonly Act[] => [
    ['dumpxml', '--security-info', name],
    ['start', name],
    ['metadata', name, 'https://example.org/x', '--key', 'x', '--set', '<x/>'],
    ['qemu-monitor-command', name, '--hmp', 'info version'],
    ['suspend', name],
    ['managedsave', name],
    ['undefine', name, '--managed-save'],
    ['define', at(`${name}.xml`)],
    ['start', name],
    ['destroy', name],
  ];
  /** What nobody here needs, on the rest of libvirt. */
  const elsewhere = (): readonly Act[] => [
    ['domcapabilities'],
    ['vol-delete', '--pool', 'images', 'kept.img'],
    ['vol-create-as', 'images', 'kept.img', '1M'],
    ['nwfilter-undefine', 'kept'],
    ['nwfilter-define', at('kept.xml')],
    ['pool-destroy', 'images'],
    ['pool-undefine', 'images'],
    ['pool-define-as', 'images', 'dir', '--target', at('images')],
    ['pool-start', 'images'],
  ];
  /** How each of them ended for our user, in one line. */
  const tried = async (acts: readonly Act[]): Promise<readonly string[]> => {
    const ends: string[] = [];
    for (const act of acts) {
      const { exitCode, stderr } = await virsh('blockhost', ...act);
      const end = exitCode === 0 ? 'done' : stderr.includes('access denied') ? 'refused' : stderr.trim();
      ends.push(`${act.join(' ')}: ${end}`);
    }
    return ends;
  };
  const all = (acts: readonly Act[], end: 'done' | 'refused') => acts.map((act) => `${act.join(' ')}: ${end}`);
  const callsHimselfRoot = async (): Promise<boolean> => {
    const program = readFileSync(repositoryPath('test/python/forged_identity.py'), 'utf8');
    return (await polkit.run('blockhost', ['/usr/bin/python3', '-c', program])).exitCode === 0;
  };

  beforeAll(async () => {
    host = await openContractHost();
    await host.installTemplate();
    await mkdir(at('images'));
    await writeFile(at('kept.xml'), "<filter name='kept' chain='root'/>\n");
    await writeFile(at(`${OURS}.xml`), domainXml(OURS));
    await writeFile(at(`${FOREIGN}.xml`), domainXml(FOREIGN, { uuid: FOREIGN_UUID }));
    await writeFile(at('other.xml'), domainXml('other'));
    await writeFile(at('disguised.xml'), domainXml('blockhost-008', { uuid: FOREIGN_UUID }));

    polkit = await startPolkit(host.lab);
    await execa('chown', ['-R', `${polkit.uid}:${polkit.uid}`, host.root]);
    await polkit.askForEachCall(false);
    await root('pool-define-as', 'images', 'dir', '--target', at('images'));
    await root('pool-start', 'images');
    await root('vol-create-as', 'images', 'kept.img', '1M');
    await root('nwfilter-define', at('kept.xml'));
    for (const name of [OURS, FOREIGN]) await root('define', at(`${name}.xml`));
  });
  afterAll(() => host?.close());

  it('switched off: being in group libvirt, he does what he likes with anybody’s machine', async () => {
    const acts = [...onMachine(FOREIGN), ...elsewhere()];
    expect(await tried(acts)).toEqual(all(acts, 'done'));
    expect(await secretOf(FOREIGN)).toBe(true);
    expect(await callsHimselfRoot()).toBe(true);
  });

  it('where libvirt asks and no rule answers: he sees every machine and changes none', async () => {
    await polkit.askForEachCall(true);
    expect(await tried(onMachine(OURS))).toEqual(all(onMachine(OURS), 'refused'));
    expect((await virsh('blockhost', 'list', '--all', '--name')).stdout.trim().split('\n').sort()).toEqual([
      OURS,
      FOREIGN,
    ]);
  });

  it('with the rules: he does with a machine of ours whatever can be done', async () => {
    await polkit.install(RULES);
    expect(await tried(onMachine(OURS))).toEqual(all(onMachine(OURS), 'done'));
    expect(await secretOf(OURS)).toBe(true);
  });

  it('... reaches no other, on or off, and makes none', async () => {
    const acts = [...onMachine(FOREIGN), ['define', at('other.xml')], ['create', at('other.xml')]];
    expect(await tried(acts)).toEqual(all(acts, 'refused'));
    await root('start', FOREIGN);
    const before = await portrait(FOREIGN);
    const again = ['dumpxml', 'suspend', 'managedsave', 'destroy'].flatMap((wanted) =>
      onMachine(FOREIGN).filter(([verb]) => verb === wanted),
    );
    expect(await tried(again)).toEqual(all(again, 'refused'));
    expect(await secretOf(FOREIGN)).toBe(false);
    // Under a name of ours, but as that machine.
    for (const verb of ['define', 'create']) {
      expect((await virsh('blockhost', verb, at('disguised.xml'))).stderr).toContain(FOREIGN_UUID);
    }
    expect(await portrait(FOREIGN)).toEqual(before);
    expect(await domains()).toEqual([OURS, FOREIGN]);
    await root('destroy', FOREIGN);
  });

  it('... and changes nothing else of libvirt, least of all by calling himself root', async () => {
    expect(await tried(elsewhere())).toEqual(all(elsewhere(), 'refused'));
    expect(await callsHimselfRoot()).toBe(false);
  });

  describe('with the rules, the executables that ship', () => {
    const env = () => ({ BLOCKHOST_ROOT: host.root });
    const run = (name: string, ...argv: Act) => polkit.run('blockhost', [...programInside(name), ...argv], env());
    const vm = (verb: string, ...argv: Act) => run(`blockhost-vm-${verb}`, ...argv);
    const create = (name: string) =>
      vm('create', name, '--owner-wallet', OWNER, '--memory', '256', '--disk', '1', '--no-mint', '--apply');
    const volumes = (): Promise<string> => root('vol-list', 'blockhost');
    /** It ended well, or the failure says why not. */
    const succeeds = async (ended: Ended | Promise<Ended>): Promise<string> => {
      const { exitCode, stdout, stderr } = await ended;
      expect(exitCode, `${stdout}${stderr}`).toBe(0);
      return stdout;
    };
    let before = 0;

    it('say that machines can run here, and refuse one whose name is not ours, without a trace', async () => {
      before = polkit.refusals().length;
      expect(await run('blockhost-provisioner-detect')).toEqual({ exitCode: 0, stdout: '', stderr: '' });
      expect(new Set(polkit.refusals().slice(before))).toEqual(new Set(['api.connect.write'])); // a way around is known
      const ended = await create('other');
      expect(ended).toMatchObject({ exitCode: 1, stdout: '' });
      expect(ended.stderr).toContain('access denied');
      expect([await volumes(), await host.record('other'), await domains()]).toEqual(['', undefined, [OURS, FOREIGN]]);
      before = polkit.refusals().length;
    });

    it('make a machine, ask its guest, limit, count, stop and start it', async () => {
      await succeeds(create(MACHINE));
      expect(await succeeds(vm('guest-exec', MACHINE, 'id', '-u'))).toBe('0\n');
      await succeeds(vm('throttle', MACHINE, '--iops-write', '200'));
      expect(JSON.parse(await succeeds(vm('metrics', MACHINE)))).toMatchObject({ state: 'running', cpu_count: 1 });
      await succeeds(vm('stop', MACHINE));
      expect(await root('domstate', MACHINE)).toBe('shut off');
      await succeeds(vm('start', MACHINE));
      expect(await root('domstate', MACHINE)).toBe('running');
    });

    it('suspend it when its time is over: the daemon, who hears libvirt', async () => {
      await host.changeRecord(MACHINE, { expires_at: LONG_AGO });
      const daemon = polkit.start('blockhost', programInside('blockhost-provisionerd'), env());
      try {
        const suspended = async () => (await host.record(MACHINE))?.status === 'suspended';
        await until('it is suspended', suspended, { timeoutMs: 120_000, everyMs: 200 });
      } finally {
        expect(await daemon.stop(), daemon.output()).toBe(0);
      }
      expect(await root('domstate', MACHINE)).toBe('shut off');
      expect(daemon.output()).toContain('libvirt events connected');
      expect(daemon.output()).not.toMatch(/access denied|"level":"(error|fatal)"/);
    });

    it('destroy it, having seen through libvirt what the disk of another stands on, closed to him and made past libvirt', async () => {
      const disk = at('images/late.qcow2');
      await execa('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '1M']);
      await chmod(disk, 0o600); // root's
      await writeFile(at('late.xml'), domainXml('late', { disk }));
      await root('define', at('late.xml'));
      await succeeds(vm('destroy', MACHINE));
      expect([await volumes(), await domains()]).toEqual(['', [OURS, 'late', FOREIGN]]);
    });

    it('... and were refused nothing in all that time', () => {
      expect(polkit.refusals().slice(before)).toEqual([]);
    });
  });
});
