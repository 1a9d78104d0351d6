import type { Seen } from '../claims.ts';
import { announced, isState, recordSuspended } from '../looks.ts';
import type { Scene } from '../stage.ts';

/** Its twin is scene 6: the same guest, and nobody kills the daemon. "Once" is counted in libvirt's own events. */
export const killedDaemonScene: Scene = {
  number: 7,
  title: 'the daemon is killed in the middle of a suspend',
  phase: 'B',
  cast: [{ role: 'interrupted', kind: 'deaf', paidSeconds: 8 }],
  play: async (scenery) => {
    const { claims, observer, daemon, story, sabotaged } = scenery;
    const machine = scenery.machine('interrupted');
    const dueAtMs = machine.expiresAtMs;
    const asked = async (): Promise<Seen> => {
      const times = await observer.timesAsked(machine.guest);
      return { ok: times >= 1, saw: `asked ${times} times` };
    };
    await claims.becomes('the suspend has begun', asked, { withinMs: 60_000 });
    const pid = daemon.pid;
    await daemon.kill9();
    story.act(`kill -9 of the daemon (pid ${pid})`);
    await claims.becomes('the guest still runs', isState(scenery, machine, 'running'), { withinMs: 2000 });
    try {
      if (!sabotaged) {
        await daemon.start();
        story.act(`the daemon is started again (pid ${daemon.pid})`);
      }
      await claims.becomes('it finishes', announced(scenery, machine, 'Stopped', dueAtMs), {
        withinMs: 45_000,
        dueAtMs,
      });
      await claims.becomes('record: suspended', recordSuspended(scenery, machine), { withinMs: 10_000, dueAtMs });
      const once = async (): Promise<Seen> => {
        const stops = observer.lifecycle(machine.name, 'Stopped', dueAtMs).length;
        const starts = observer.lifecycle(machine.name, 'Started', dueAtMs).length;
        return { ok: stops === 1 && starts === 0, saw: `libvirt counts ${stops} stop and ${starts} starts` };
      };
      await claims.stays('once', once, 4000);
    } finally {
      await daemon.start();
    }
    await scenery.extend(machine, 3600);
  },
};
