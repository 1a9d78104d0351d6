import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSystemClock } from '../../src/drivers/clock/system-clock.ts';
import { createEventSource } from '../../src/drivers/virsh/event-source.ts';
import { createGuestAgent } from '../../src/drivers/virsh/guest-agent.ts';
import { createHypervisor } from '../../src/drivers/virsh/hypervisor.ts';
import { createShells } from '../../src/drivers/virsh/shells.ts';
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
      return { uuid: made.uuid, name: made.name, disk: made.disk, seed: made.cloudInitIso, mac: made.mac };
    },
    crash: async (uuid) => void (await lab.kill9(guest(uuid).name)),
    powerOffFromInside: (uuid) => guest(uuid).poweroffFromInside(),
    suspendByOperator: async (uuid) => void (await lab.virsh('suspend', uuid)),
    corruptSavedImage: (uuid) => damageSavedImage(lab, guest(uuid).name),
    away: () => lab.down(),
    back: () => lab.up(),
    until: async (condition, timeoutMs) => {
      for (const endMs = Date.now() + timeoutMs; !(await condition()); await sleep(50)) {
        if (Date.now() > endMs) throw new Error(`not within ${timeoutMs} ms`);
      }
    },
    pass: (ms) => sleep(ms),
    dispose: async () => {
      shells.close();
      await lab.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
});

async function damageSavedImage(lab: LibvirtLab, name: string): Promise<void> {
  const files = await readdir(lab.dir, { recursive: true });
  const image = files.find((file) => file.endsWith(`/qemu/save/${name}.save`));
  if (image === undefined) throw new Error(`no saved image of ${name} below ${lab.dir}`);
  await writeFile(join(lab.dir, image), 'this is not what libvirt wrote here', { flag: 'r+' });
}
