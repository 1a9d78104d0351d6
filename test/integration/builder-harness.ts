import { randomUUID } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeBase } from '../../src/drivers/bases/store-base.ts';
import { createMachineBuilder } from '../../src/drivers/builder/machine-builder.ts';
import { createSystemClock } from '../../src/drivers/clock/system-clock.ts';
import { createHypervisor } from '../../src/drivers/virsh/hypervisor.ts';
import { createShells } from '../../src/drivers/virsh/shells.ts';
import type { BaseImage, MachineSpec } from '../../src/ports/machine-builder.ts';
import { inside } from '../lab/guest.ts';
import { buildGuestImage } from '../lab/guest-image.ts';
import { quickBoot } from '../lab/guest-xml.ts';
import { startLibvirt } from '../lab/libvirt.ts';
import type { LibvirtdOptions } from '../lab/libvirtd-process.ts';
import { createModelLog } from '../models/model-log.ts';

export const SEED = {
  userData: '#cloud-config\nhostname: it is a "test"\n',
  metaData: 'instance-id: blockhost-test-1\n',
  networkConfig: 'version: 2\n',
};

/** A host with the real builder on a libvirtd of our own: a pool, a bridge, and qemu as a user of its own, as on Debian. */
export const openBuilderBench = async (options: LibvirtdOptions = { bridge: 'br0', qemuUser: 'libvirt-qemu' }) => {
  const dir = await mkdtemp(join(tmpdir(), 'bh-'));
  await chmod(dir, 0o711); // qemu's user goes through it
  const host = join(dir, 'blockhost');
  const lab = await startLibvirt({ dir: join(dir, 'l'), ...options });
  const clock = createSystemClock();
  const log = createModelLog();
  const shells = createShells({ uri: lab.uri, clock, log });
  const places = {
    storagePool: 'blockhost',
    storagePath: join(host, 'vms'),
    cloudInitDir: join(host, 'cloud-init'),
    stateDir: join(host, 'provisioner'),
    basesDir: join(host, 'provisioner/bases'),
    bridge: 'br0',
  };
  await mkdir(places.storagePath, { recursive: true });
  await lab.virsh('pool-define-as', 'blockhost', 'dir', '--target', places.storagePath);
  await lab.virsh('pool-start', 'blockhost');
  const deps = { ...places, shells, clock, log, bootId: 'boot-a', libvirtUri: lab.uri };
  const builder = createMachineBuilder(deps);

  const image = await buildGuestImage();
  /** The laboratory's guest as a base; `words` make it another one with the same content. */
  const template = async (grownTo?: (file: string) => Promise<void>): Promise<BaseImage> => {
    const imageFile = join(dir, `${randomUUID()}.qcow2`);
    await copyFile(image.base, imageFile);
    await grownTo?.(imageFile);
    return storeBase(
      { directory: places.basesDir, clock },
      {
        imageFile,
        boot: {
          kind: 'kernel',
          kernel: image.kernel,
          initrd: image.initramfs,
          commandLine: `${quickBoot} lab=normal lab.name=machine`,
        },
        manifest: { source: 'the laboratory', versions: {} },
      },
    );
  };
  const spec = (number: number, base: BaseImage): MachineSpec => {
    const uuid = randomUUID();
    return {
      uuid,
      name: `blockhost-00${number}`,
      cpus: 1,
      memoryMib: 192,
      diskGib: 1,
      mac: `52:54:00:77:00:0${number}`,
      ipv4: `10.77.0.1${number}`,
      ipv6: `fd77::1${number}`,
      metadata: { schema: 1, uuid },
      base,
      accelerator: 'tcg',
    };
  };
  const hypervisor = createHypervisor({ clock, log, shells });
  return {
    dir,
    lab,
    log,
    shells,
    clock,
    places,
    deps,
    builder,
    hypervisor,
    template,
    spec,
    /** Everything that a create does of a machine's parts. */
    build: async (machine: MachineSpec) => {
      await builder.makeDisk(machine);
      await builder.makeSeed(machine.name, SEED);
      await hypervisor.define(builder.definitionOf(machine));
      return inside(lab, machine.name);
    },
    close: async (): Promise<void> => {
      shells.close();
      await lab.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
};
export type BuilderBench = Awaited<ReturnType<typeof openBuilderBench>>;
