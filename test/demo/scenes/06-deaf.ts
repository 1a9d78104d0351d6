import { announced, recordSuspended } from '../looks.ts';
import type { Scene } from '../stage.ts';

/** Escalation: asked, asked again, and then its power is taken. */
export const deafScene: Scene = {
  number: 6,
  title: 'a guest ignores every request to stop',
  phase: 'A',
  cast: [{ role: 'deaf', kind: 'deaf', paidSeconds: 8 }],
  play: async (scenery) => {
    const { claims, observer, sabotaged } = scenery;
    const machine = scenery.machine('deaf');
    if (sabotaged) await scenery.operator('protect', machine.name, '--reason', 'sabotage');
    const dueAtMs = machine.expiresAtMs;
    const asked = async () => {
      const times = await observer.timesAsked(machine.guest);
      return { ok: times >= 2, saw: `it ignored ${times} requests` };
    };
    await claims.becomes('asked to stop, and again', asked, { withinMs: 60_000 });
    await claims.becomes('suspended by escalation', announced(scenery, machine, 'Stopped Destroyed', dueAtMs), {
      withinMs: 45_000,
      dueAtMs,
    });
    await claims.becomes('record: suspended', recordSuspended(scenery, machine), { withinMs: 10_000, dueAtMs });
    await scenery.extend(machine, 3600); // its part is over; nobody shall lose a machine over it
  },
};
