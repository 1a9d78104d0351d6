import type { Seen } from '../claims.ts';
import { announced } from '../looks.ts';
import type { Machine, Scene, Scenery } from '../stage.ts';

const offAndLeftSo = async (scenery: Scenery, machine: Machine, sinceMs: number): Promise<Seen> => {
  const [started] = scenery.observer.lifecycle(machine.name, 'Started', sinceMs);
  const record = await scenery.observer.record(machine.name);
  const state = await scenery.observer.state(machine.guest);
  const ok = started === undefined && state === 'shut off' && record?.status === 'active' && !record.suspended_at;
  return { ok, saw: `${machine.name} is ${state}, record ${record?.status}` };
};

/** The owner's power-off comes first: the other machine's return is the sign that the daemon could have started it. */
export const crashScene: Scene = {
  number: 5,
  title: 'qemu killed with -9; powered off by its owner',
  phase: 'A',
  cast: [
    { role: 'killed', paidSeconds: 3600, adopted: true },
    { role: 'powered-off', paidSeconds: 3600 },
  ],
  play: async (scenery) => {
    const { claims, observer, libvirt, story, sabotaged } = scenery;
    const [killed, poweredOff] = [scenery.machine('killed'), scenery.machine('powered-off')];
    const marked = async () => ({ ok: await observer.isMarked(killed.name), saw: 'metadata added' });
    await claims.becomes('a machine with a record alone is adopted', marked, { withinMs: 20_000 });
    const beganMs = Date.now();
    story.act(`the owner of ${poweredOff.name} types poweroff`);
    await poweredOff.guest.poweroffFromInside();
    await claims.becomes('powered off from inside', announced(scenery, poweredOff, 'Stopped Shutdown', beganMs), {
      withinMs: 20_000,
    });
    if (sabotaged) await scenery.operator('hold', killed.name, '--for', '1h', '--reason', 'sabotage');
    story.act(`kill -9 of the qemu of ${killed.name}`);
    await libvirt.kill9(killed.name);
    const dueAtMs = await claims.becomes('qemu killed', announced(scenery, killed, 'Stopped Failed', beganMs), {
      withinMs: 5000,
    });
    const upAtMs = await claims.becomes('it runs again', announced(scenery, killed, 'Started Booted', dueAtMs), {
      withinMs: 20_000,
      dueAtMs,
    });
    const spanMs = Math.max(4000, 2 * (upAtMs - dueAtMs));
    await claims.stays(
      'the one that its owner stopped stays off',
      () => offAndLeftSo(scenery, poweredOff, beganMs),
      spanMs,
    );
  },
};
