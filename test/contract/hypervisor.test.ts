import { randomUUID } from 'node:crypto';
import { createModelHypervisor } from '../../src/simulator/models/model-hypervisor.ts';
import { createVirtualClock } from '../../src/simulator/time/virtual-clock.ts';
import { hypervisorContract } from './hypervisor.contract.ts';

hypervisorContract('the model', async () => {
  const clock = createVirtualClock();
  const model = createModelHypervisor({ clock });
  // Calls that wait on the model's clock (a mute agent) need it to move while they wait.
  const until = async (condition: () => Promise<boolean>, timeoutMs: number): Promise<void> => {
    for (let passedMs = 0; !(await condition()); passedMs += 100) {
      if (passedMs > timeoutMs) throw new Error(`not within ${timeoutMs} ms of the model's time`);
      await clock.advance(100);
    }
  };
  return {
    hypervisor: model,
    agent: model.agent,
    events: model.events,
    create: async (kind) => {
      const uuid = randomUUID();
      const name = `it's a: "${kind}" ${uuid.slice(0, 4)}`;
      const [disk, seed, mac] = [`/storage/${name}.qcow2`, `/storage/${name}.iso`, '52:54:00:00:00:01'];
      const behaviour = kind === 'deaf' ? ({ acpi: 'ignores', agent: 'mute' } as const) : {};
      model.create({ uuid, name, disks: [disk], seeds: [seed], interfaces: [{ mac, linkUp: true }], behaviour });
      const base = '/storage/bases/debian.qcow2';
      model.backing.set(disk, base);
      return { uuid, name, disk, base, seed, mac };
    },
    crash: async (uuid) => model.crash(uuid),
    powerOffFromInside: async (uuid) => model.powerOffFromInside(uuid),
    suspendByOperator: async (uuid) => model.suspendByOperator(uuid),
    corruptSavedImage: async (uuid) => {
      const guest = model.guest(uuid);
      if (guest) guest.saved = 'corrupt';
    },
    breakDisk: async (disk) => void model.unreadable.add(disk),
    away: async () => model.away(),
    back: async () => model.back(),
    until,
    pass: (ms) => clock.advance(ms),
    dispose: async () => undefined,
  };
});
