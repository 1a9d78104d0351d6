import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSystemClock } from '../../src/drivers/clock/system-clock.ts';
import { createEventSource } from '../../src/drivers/virsh/event-source.ts';
import { createGuestAgent } from '../../src/drivers/virsh/guest-agent.ts';
import { createHypervisor } from '../../src/drivers/virsh/hypervisor.ts';
import { machineNamespace } from '../../src/drivers/virsh/metadata-xml.ts';
import { createShells } from '../../src/drivers/virsh/shells.ts';
import { modelDomainXml } from '../../src/simulator/models/model-domain-xml.ts';
import { libvirtStream$ } from '../../streams/libvirt-stream.ts';
import type { Wake } from '../../streams/wake.ts';
import { hypervisorContract } from '../contract/hypervisor.contract.ts';
import { defineGuest, type Guest } from '../lab/guest.ts';
import { type LibvirtLab, startLibvirt } from '../lab/libvirt.ts';
import { createModelLog } from '../models/model-log.ts';

hypervisorContract('libvirt', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'bh-'));
  const lab = await startLibvirt({ dir: join(dir, 'l') });
  const clock = createSystemClock();
  const log = createModelLog();
  const shells = createShells({ uri: lab.uri, clock, log });
  const guests = new Map<string, Guest>();
  const guest = (uuid: string): Guest => {
    const found = guests.get(uuid);
    if (!found) throw new Error(`no guest ${uuid}`);
    return found;
  };
  return {
    hypervisor: createHypervisor({ clock, log, shells }),
    agent: createGuestAgent({ shells, clock }),
    events: createEventSource({ uri: lab.uri, log }),
    create: async (kind) => {
      const made = await defineGuest(lab, {
        name: `it's a: "${kind}" ${guests.size}`,
        kind: kind === 'deaf' ? 'empty' : 'normal',
        storageDir: join(dir, 'disks'),
        cloudInitDir: join(dir, 'seeds'),
      });
      guests.set(made.uuid, made);
      const { uuid, name, disk, base, cloudInitIso: seed, mac } = made;
      return { uuid, name, disk, base, seed, mac };
    },
    crash: async (uuid) => void (await lab.kill9(guest(uuid).name)),
    powerOffFromInside: (uuid) => guest(uuid).poweroffFromInside(),
    suspendByOperator: async (uuid) => void (await lab.virsh('suspend', uuid)),
    corruptSavedImage: (uuid) => damageSavedImage(lab, guest(uuid).name),
    breakDisk: (disk) => rm(disk),
    away: () => lab.down(),
    back: () => lab.up(),
    until: waitUntil,
    pass: (ms) => sleep(ms),
    dispose: async () => {
      shells.close();
      await lab.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
});

async function waitUntil(condition: () => Promise<boolean>, timeoutMs: number): Promise<void> {
  for (const endMs = Date.now() + timeoutMs; !(await condition()); await sleep(50)) {
    if (Date.now() > endMs) throw new Error(`not within ${timeoutMs} ms`);
  }
}

async function damageSavedImage(lab: LibvirtLab, name: string): Promise<void> {
  const files = await readdir(lab.dir, { recursive: true });
  const image = files.find((file) => file.endsWith(`/qemu/save/${name}.save`));
  if (image === undefined) throw new Error(`no saved image of ${name} below ${lab.dir}`);
  await writeFile(join(lab.dir, image), 'this is not what libvirt wrote here', { flag: 'r+' });
}

describe('a libvirtd that hangs, and one that goes away', () => {
  const log = createModelLog();
  const clock = createSystemClock();
  let dir = '';
  let lab: LibvirtLab;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'bh-'));
    lab = await startLibvirt({ dir: join(dir, 'l') });
  });
  afterAll(async () => {
    lab.thaw();
    await lab.stop();
    await rm(dir, { recursive: true, force: true });
  });
  const define = async (
    uuid: string,
    name: string,
    disks: readonly string[] = [],
    change = (xml: string) => xml,
  ): Promise<void> => {
    const file = join(dir, 'domain.xml');
    await writeFile(
      file,
      change(modelDomainXml({ uuid, name, disks }))
        .replace("type='test'", "type='qemu'")
        .replace(/(<disk [^>]*>)(.*)<\/disk>/g, "$1<driver name='qemu' type='qcow2'/>$2<target dev='vda'/></disk>")
        .replace('<os>', '<memory>1024</memory><os>'),
    );
    await lab.virsh('define', file);
  };

  it('a hung libvirtd costs each call its deadline and an error that may be tried again, never an answer (L3)', async () => {
    const shells = createShells({ uri: lab.uri, clock, log });
    const hypervisor = createHypervisor({
      clock,
      log,
      shells,
      deadlines: { readTimeoutMs: 2_000, changeTimeoutMs: 2_000 },
    });
    const uuid = randomUUID();
    await define(uuid, 'hung');
    expect(await hypervisor.look(uuid)).toMatchObject({ run: 'off' });
    lab.freeze();
    const timedOut = { name: 'HypervisorError', code: 'libvirt-timeout', retryable: true };
    await expect(hypervisor.look(uuid)).rejects.toMatchObject(timedOut);
    await expect(hypervisor.list()).rejects.toMatchObject(timedOut);
    await expect(hypervisor.powerOff(uuid, 'forced')).rejects.toMatchObject(timedOut);
    lab.thaw();
    expect(await hypervisor.look(uuid)).toMatchObject({ run: 'off' });
    shells.close();
  });

  it('a save that outlasts our patience is seen as one that goes on, and then as done (D24)', async () => {
    const shells = createShells({ uri: lab.uri, clock, log });
    const hypervisor = createHypervisor({ clock, log, shells, deadlines: { moveTimeoutMs: 60 } });
    const storageDir = join(dir, 'disks');
    const guest = await defineGuest(lab, { name: 'slow', storageDir, cloudInitDir: join(dir, 'seeds') });
    await guest.start();
    await guest.waitAgent();
    await expect(hypervisor.save(guest.uuid)).rejects.toMatchObject({ code: 'libvirt-timeout', retryable: true });
    const seen = new Set<string>();
    await waitUntil(async () => {
      const domain = await hypervisor.look(guest.uuid);
      if (domain !== 'absent') seen.add(`${domain.run}/${domain.reason}`);
      return seen.has('off/saved');
    }, 60_000);
    seen.delete('running/booted'); // virsh may be given up before libvirt has heard it
    expect([...seen]).toEqual(['paused/saving', 'off/saved']);
    await hypervisor.undefine(guest.uuid);
    shells.close();
  }, 150_000);

  it('undefines a machine and leaves what its firmware remembers, so that the same one comes back (D21)', async () => {
    const shells = createShells({ uri: lab.uri, clock, log });
    const hypervisor = createHypervisor({ clock, log, shells });
    const nvram = join(dir, 'vars.fd');
    const firmware = `<loader readonly='yes' type='pflash'>${join(dir, 'code.fd')}</loader><nvram>${nvram}</nvram>`;
    await writeFile(nvram, 'boot order');
    const uuid = randomUUID();
    await define(uuid, 'firm', [], (xml) => xml.replace('</os>', `${firmware}</os><features><acpi/></features>`));
    expect(await hypervisor.look(uuid)).toMatchObject({ nvram });
    const definition = await hypervisor.definition(uuid);
    await hypervisor.undefine(uuid);
    expect(await hypervisor.look(uuid)).toBe('absent');
    expect(await readFile(nvram, 'utf8')).toBe('boot order');
    await hypervisor.define(definition);
    expect(await hypervisor.look(uuid)).toMatchObject({ nvram, run: 'off' });
    await hypervisor.undefine(uuid);
    shells.close();
  });

  it('reads the chain of a domain that is off through the pool that its disks are in, as deep as it goes (D21)', async () => {
    const asked: string[] = [];
    const shells = createShells({ uri: lab.uri, clock, log });
    const read: typeof shells.read = (argv, options) => {
      asked.push(argv.join(' '));
      return shells.read(argv, options);
    };
    const hypervisor = createHypervisor({ clock, log, shells: { ...shells, read } });
    const pool = join(dir, 'pool');
    const at = (name: string): string => join(pool, `${name}.qcow2`);
    await mkdir(pool);
    await lab.virsh('pool-create-as', 'chains', 'dir', '--target', pool);
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', at('one'), '8M']);
    const over = (base: string, name: string) =>
      execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', base, at(name)]);
    await over('one.qcow2', 'two'); // by a relative name
    await over(at('two'), 'three');
    await symlink(pool, join(dir, 'alias'));
    const uuid = randomUUID();
    await define(uuid, 'chained', [join(dir, 'alias/three.qcow2')]);
    await hypervisor.refreshPools();
    const files = await hypervisor.diskFiles(uuid);
    expect(files).toContainEqual({ path: join(dir, 'alias/three.qcow2'), realPath: at('three') });
    expect(files.map(({ realPath }) => realPath)).toEqual([at('three'), at('two'), at('one')]);
    expect(asked.filter((line) => line.startsWith('vol-dumpxml'))).not.toEqual([]);
    await rm(at('one'));
    await expect(hypervisor.diskFiles(uuid)).rejects.toMatchObject({ code: 'disk-chain-unknown', retryable: true });
    await hypervisor.undefine(uuid);
    shells.close();
  });

  it('the stream wakes machines by events, notices a restart and a hang, and looks at all of them again (L12)', async () => {
    const uuid = randomUUID();
    const shells = createShells({ uri: lab.uri, clock, log });
    const hypervisor = createHypervisor({
      clock,
      log,
      shells,
      deadlines: { readTimeoutMs: 2_000, changeTimeoutMs: 2_000 },
    });
    await define(uuid, "it's");
    const wakes: Wake[] = [];
    let beats = 0;
    const stream = libvirtStream$({
      source: createEventSource({ uri: lab.uri, log }),
      resolve: (name) => (name === "it's" ? uuid : undefined),
      clock,
      log,
      random: Math.random,
      beat: async () => {
        await hypervisor.writeMetadata(uuid, { schema: 1, uuid });
        beats += 1;
        return true;
      },
      echoUri: machineNamespace,
      timing: { settleMs: 500, quietMs: 1_000, echoMs: 2_000, backoffBaseMs: 50, backoffCapMs: 400 },
    }).subscribe((wake) => wakes.push(wake));
    const resyncs = (): number => wakes.filter(({ why }) => why.what.includes('are connected')).length;
    const losses = (): number => log.lines.filter(({ message }) => message.includes('events lost')).length;

    await waitUntil(async () => resyncs() === 1, 30_000);
    await define(uuid, "it's");
    await waitUntil(async () => wakes.some(({ target }) => target.kind === 'machine' && target.uuid === uuid), 30_000);
    expect(wakes.at(-1)?.why.what).toBe("libvirt said: 'it's' Defined Updated");
    const heard = wakes.length;
    const beatsBefore = beats;
    await waitUntil(async () => beats >= beatsBefore + 3, 30_000);
    expect(wakes).toHaveLength(heard);
    expect(losses()).toBe(0);

    await lab.restart();
    await waitUntil(async () => resyncs() === 2, 30_000);
    const lossesBefore = losses();
    lab.freeze();
    await waitUntil(async () => losses() >= lossesBefore + 2, 60_000);
    expect(resyncs()).toBe(2); // nobody is told that events flow while they do not
    lab.thaw();
    await waitUntil(async () => resyncs() === 3, 30_000);
    shells.close();
    stream.unsubscribe();
  }, 240_000);
});
