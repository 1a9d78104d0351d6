import type { Seen } from '../claims.ts';
import { announced, neverStopped, recordSuspended } from '../looks.ts';
import type { Machine, Scene, Scenery } from '../stage.ts';

/** What the daemon's log says of the chain since then: that it is unknown, and since when. */
const toldUnknown =
  ({ daemon }: Scenery, sinceMs: number) =>
  async (): Promise<Seen> => {
    const line = daemon
      .log()
      .find(
        ({ atMs, level, fields }) =>
          atMs >= sinceMs && level === 'warn' && typeof fields.unknownSinceUnixMs === 'number',
      );
    if (line === undefined) return { ok: false, saw: 'the log says nothing of it' };
    const since = new Date(Number(line.fields.unknownSinceUnixMs)).toISOString().slice(11, 19);
    return { ok: true, saw: `log: "${line.msg.split(':')[0]}" since ${since}`, atMs: line.atMs };
  };

/** A machine with the same fate but an earlier expiry: how long a suspension takes while the endpoints answer. */
const twin = async (scenery: Scenery, machine: Machine): Promise<number> => {
  const dueAtMs = machine.expiresAtMs;
  const atMs = await scenery.claims.becomes(
    'its twin is suspended in time',
    announced(scenery, machine, 'Stopped Shutdown', dueAtMs),
    { withinMs: 25_000, dueAtMs },
  );
  return atMs - dueAtMs;
};

export const outageScene: Scene = {
  number: 9,
  title: 'the RPC endpoints die across an expiry',
  phase: 'C',
  cast: [
    { role: 'twin', paidSeconds: 6 },
    { role: 'across', paidSeconds: 24 },
    { role: 'killed-meanwhile', kind: 'empty', paidSeconds: 3600 },
  ],
  play: async (scenery) => {
    const { claims, endpoints, libvirt, story, sabotaged } = scenery;
    const [across, killed] = [scenery.machine('across'), scenery.machine('killed-meanwhile')];
    const usualMs = await twin(scenery, scenery.machine('twin'));
    await scenery.extend(scenery.machine('twin'), 3600); // its part is over; nobody shall lose a machine over it
    const downMs = Date.now();
    const inTime = downMs < across.expiresAtMs;
    claims.is('the endpoints die before the expiry', { ok: inTime, saw: `${across.expiresAtMs - downMs} ms before` });
    try {
      if (!sabotaged) await Promise.all(endpoints.map((endpoint) => endpoint.down()));
      story.act(`both RPC endpoints are dead; ${across.name} is paid until ${story.clock(across.expiresAtMs)}`);
      await libvirt.kill9(killed.name);
      story.act(`kill -9 of the qemu of ${killed.name}`);
      await claims.becomes('the daemon lives: a killed qemu is back', announced(scenery, killed, 'Started', downMs), {
        withinMs: 15_000,
        dueAtMs: downMs,
      });
      await claims.becomes('the log says what is unknown and since when', toldUnknown(scenery, downMs), {
        withinMs: 15_000,
      });
      const spanMs = across.expiresAtMs - Date.now() + Math.max(10_000, 2 * usualMs);
      await claims.stays('nothing is harmed across the expiry', neverStopped(scenery, across, downMs), spanMs);
    } finally {
      await Promise.all(endpoints.map((endpoint) => endpoint.up()));
      story.act('the RPC endpoints are back');
    }
    const dueAtMs = Date.now();
    await claims.becomes('afterwards it is suspended', announced(scenery, across, 'Stopped Shutdown', dueAtMs), {
      withinMs: 30_000,
      dueAtMs,
    });
    await claims.becomes('record: suspended', recordSuspended(scenery, across), { withinMs: 10_000, dueAtMs });
    await scenery.extend(across, 3600);
  },
};
