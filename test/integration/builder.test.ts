import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMachineBuilder } from '../../src/drivers/builder/machine-builder.ts';
import type { BaseImage, MachineSpec } from '../../src/ports/machine-builder.ts';
import { inside } from '../lab/guest.ts';
import { namespacesAllowed } from '../lab/libvirtd-process.ts';
import { type BuilderBench, openBuilderBench, SEED } from './builder-harness.ts';
import { startRootAgent } from './root-agent-harness.ts';

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o7777;

// Where namespaces are refused there is no bridge to build on.
describe.skipIf(!namespacesAllowed())('machines that are built on real parts', () => {
  let bench: BuilderBench;
  let base: BaseImage;
  let machine: MachineSpec;
  let other: MachineSpec;
  beforeAll(async () => {
    bench = await openBuilderBench();
    base = await bench.template();
    machine = bench.spec(1, base);
    other = bench.spec(2, base);
  });
  afterAll(() => bench?.close());
  const run = ({ name }: MachineSpec, ...argv: string[]) => inside(bench.lab, name).exec(argv, { timeoutMs: 20_000 });

  it('says that nothing is missing where pool, tools, bridge, isolation and filter are there', async () => {
    expect(await bench.builder.missing()).toEqual([]);
  });

  it('names what is missing, all at once, by trying it', async () => {
    const elsewhere = { ...bench.deps, bridge: 'br-none', storagePool: 'none' };
    expect(await createMachineBuilder(elsewhere).missing()).toEqual([
      `libvirt has no storage pool "none": virsh pool-define-as none dir --target ${bench.places.storagePath}, then pool-start and pool-autostart`,
      "bridge br-none takes no machine: Cannot get interface MTU on 'br-none': No such device",
    ]);
    const moved = { ...bench.deps, storagePath: '/elsewhere' };
    expect(await createMachineBuilder(moved).missing()).toEqual([
      `storage pool "blockhost" lies at ${bench.places.storagePath}, and storage_path is /elsewhere: make them one`,
    ]);
  });

  it('counts the host, and promises no memory twice', async () => {
    const capacity = await bench.builder.capacity();
    expect(capacity.cpus).toBeGreaterThan(0);
    expect(capacity.memoryMib).toBeGreaterThan(capacity.memoryFreeMib);
    expect(capacity.storageFreeBytes).toBeGreaterThan(1024 ** 3);
    expect(capacity.accelerator).toBe('tcg'); // this libvirtd is shown no /dev/kvm
  });

  it('builds, starts, and hears the agent', async () => {
    const guest = await bench.build(machine);
    await bench.hypervisor.start(machine.uuid);
    await guest.waitAgent();
    const domain = await bench.hypervisor.look(machine.uuid);
    expect(domain).toMatchObject({
      name: 'blockhost-001',
      run: 'running',
      metadata: { schema: 1, uuid: machine.uuid },
    });
    expect(await bench.lab.virsh('domblklist', machine.name, '--details')).toContain(
      bench.builder.placesOf(machine.name).seed,
    );
  });

  it('gives the guest a disk of the size that was sold, on top of the base', async () => {
    expect((await run(machine, 'cat', '/sys/block/vda/size')).stdout.trim()).toBe(String(1024 ** 3 / 512));
    const { stdout } = await execa('qemu-img', [
      'info',
      '-U',
      '--output=json',
      bench.builder.placesOf(machine.name).disk,
    ]);
    expect(JSON.parse(stdout)).toMatchObject({
      'full-backing-filename': base.path,
      'backing-filename-format': 'qcow2',
    });
  });

  it('gives the guest its seed, to be read under the names that cloud-init looks for', async () => {
    const script =
      'while read -r m; do insmod /modules/$m.ko; done </modules/later; mkdir -p /run/seed && until [ -b /dev/sr0 ]; do sleep 0.1; done && mount -t iso9660 /dev/sr0 /run/seed && cat /run/seed/user-data /run/seed/meta-data /run/seed/network-config';
    expect(await run(machine, 'sh', '-c', script)).toMatchObject({
      exitCode: 0,
      stdout: SEED.userData + SEED.metaData + SEED.networkConfig,
    });
  });

  it('lets qemu read what it needs, as its own user, and shows nobody else any of it', async () => {
    const { disk, seed, seedDirectory } = bench.builder.placesOf(machine.name);
    const qemu = Number((await execa('id', ['-u', 'libvirt-qemu'])).stdout);
    for (const path of [disk, seed]) expect(await stat(path)).toMatchObject({ uid: qemu, mode: 0o100600 });
    for (const name of ['user-data', 'meta-data', 'network-config'])
      expect(await modeOf(join(seedDirectory, name))).toBe(0o600);
    // The way there can be gone through, and not be listed.
    for (const path of [seedDirectory, bench.places.cloudInitDir, bench.places.stateDir, bench.places.basesDir]) {
      expect(await modeOf(path)).toBe(0o2771);
    }
    expect(await stat(base.path)).toMatchObject({ uid: 0, mode: 0o100444 }); // a qemu that was taken over owns no base
  });

  it('refuses a second disk in the place of one that was used, and says whose it is to look', async () => {
    await expect(bench.builder.makeDisk({ ...machine, uuid: other.uuid })).rejects.toMatchObject({
      code: 'place-taken',
      retryable: false,
    });
    expect(await bench.builder.occupied(machine.name)).toEqual([
      bench.builder.placesOf(machine.name).disk,
      bench.builder.placesOf(machine.name).seedDirectory,
    ]);
    expect(await bench.builder.occupied('blockhost-777')).toEqual([]);
  });

  it('puts a second machine on the same base, and neither sees the other on the bridge', async () => {
    const guest = await bench.build(other);
    await bench.hypervisor.start(other.uuid);
    await guest.waitAgent();
    for (const each of [machine, other]) {
      const script = `ip addr add ${each.ipv4}/24 dev eth0; ip link set eth0 up; until ping -c 1 -W 1 10.77.0.1; do sleep 0.2; done`;
      expect(await run(each, 'sh', '-c', script)).toMatchObject({ exitCode: 0 });
    }
    expect(await run(machine, 'ping', '-c', '1', '-W', '2', other.ipv4)).toMatchObject({ exitCode: 1 });
  });

  it('reaches its IPv6 neighbour, the host, from its own address', async () => {
    const script = `ip addr add ${machine.ipv6}/64 dev eth0; for i in 1 2 3 4 5 6 7 8; do ping -c 1 -W 1 fd77::1 && exit 0; sleep 0.3; done; exit 1`;
    expect(await run(machine, 'sh', '-c', script)).toMatchObject({ exitCode: 0 });
  });

  it('drops what a machine sends with an address that is not its own, IPv4, IPv6 or MAC', async () => {
    const forged = async (family: string, address: string, target: string): Promise<number> => {
      const script = `ip ${family} addr add ${address} dev eth0 && ping -c 2 -W 1 -I ${address.split('/')[0]} ${target}`;
      return (await run(machine, 'sh', '-c', script)).exitCode;
    };
    expect(await forged('-4', '10.77.0.99/24', '10.77.0.1')).toBe(1);
    expect(await forged('-6', 'fd77::99/64', 'fd77::1')).toBe(1);
    expect(await run(machine, 'ping', '-c', '1', '-W', '2', '10.77.0.1')).toMatchObject({ exitCode: 0 });
    const script =
      'ip link set eth0 down; ip link set eth0 address 52:54:00:77:00:99; ip link set eth0 up; until [ "$(cat /sys/class/net/eth0/carrier)" = 1 ]; do sleep 0.1; done; ping -c 2 -W 1 10.77.0.1';
    expect(await run(machine, 'sh', '-c', script)).toMatchObject({ exitCode: 1 });
  });

  it('lets the root agent define, start, ask, stop and remove a third machine, and the base and the others stay', async () => {
    const third = bench.spec(3, base);
    const { disk, seed } = bench.builder.placesOf(third.name);
    await bench.builder.makeDisk(third);
    await bench.builder.makeSeed(third.name, SEED);
    const stateDir = join(bench.places.stateDir, '..');
    const agent = await startRootAgent({ dir: bench.dir, uri: bench.lab.uri, stateDir });
    try {
      const file = join(stateDir, 'third.xml');
      const domain = third.name;
      const defineAs = async (xml: string) => {
        await writeFile(file, xml);
        return agent.ask('virsh-define', { xml_path: file });
      };
      await defineAs(bench.builder.definitionOf(third));
      expect(await bench.hypervisor.look(third.uuid)).toMatchObject({ run: 'off', metadata: third.metadata });
      await defineAs(await bench.hypervisor.definition(third.uuid)); // as libvirt writes it
      await agent.ask('virsh-start', { domain });
      expect(await bench.hypervisor.look(third.uuid)).toMatchObject({ run: 'running' });
      await expect(agent.ask('virsh-undefine', { domain, remove_storage: true })).rejects.toThrow(/stop it first/);
      await inside(bench.lab, domain).waitAgent();
      const command = 'echo out; echo err >&2; exit 3';
      const ran = { ok: true, output: 'out\n', stdout: 'out\n', stderr: 'err\n', exitcode: 3 };
      expect(await agent.ask('virsh-guest-exec', { domain, command })).toEqual(ran);
      const gecos = `wallet=0x${'a1'.repeat(20)},nft=7`;
      await agent.ask('virsh-update-gecos', { domain, username: 'customer', gecos });
      expect(await inside(bench.lab, domain).gecos()).toBe(gecos);
      await agent.ask('virsh-shutdown', { domain });
      await agent.ask('virsh-destroy', { domain });
      expect(await agent.ask('virsh-undefine', { domain, remove_storage: true })).toMatchObject({
        output: `${domain}: undefined; removed ${disk}; removed ${seed}`,
      });
      expect(await bench.hypervisor.look(third.uuid)).toBe('absent');
      for (const path of [base.path, ...[machine, other].map(({ name }) => bench.builder.placesOf(name).disk)])
        await stat(path);
      expect(await agent.ask('virsh-undefine', { domain, remove_storage: true })).toMatchObject({ ok: true });
    } finally {
      agent.stop();
    }
  });

  it('leaves nothing of a machine when all is removed, twice over', async () => {
    for (const each of [machine, other]) {
      await bench.hypervisor.powerOff(each.uuid, 'forced');
      await bench.hypervisor.undefine(each.uuid);
      for (let times = 0; times < 2; times++) {
        await bench.builder.removeDisk(each.name);
        await bench.builder.removeSeed(each.name);
      }
      expect(await bench.builder.occupied(each.name)).toEqual([]);
    }
    expect((await bench.lab.virsh('list', '--all', '--name')).trim()).toBe('');
  });
});
