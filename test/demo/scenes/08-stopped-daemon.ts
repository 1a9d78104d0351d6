import { until } from '../../lab/processes.ts';
import { announced, paidAndRunning, recordSuspended } from '../looks.ts';
import type { Scene } from '../stage.ts';

/** What happened on the chain while nobody listened is found afterwards. */
export const stoppedDaemonScene: Scene = {
  number: 8,
  title: 'the daemon is stopped, the chain goes on, it is started',
  phase: 'B',
  cast: [
    { role: 'extended-meanwhile', paidSeconds: 8 },
    { role: 'cancelled-meanwhile', paidSeconds: 3600 },
  ],
  after: 7,
  play: async (scenery) => {
    const { chain, claims, daemon, story, observer, sabotaged } = scenery;
    const [extended, cancelled] = [scenery.machine('extended-meanwhile'), scenery.machine('cancelled-meanwhile')];
    await claims.becomes('one was suspended before', recordSuspended(scenery, extended), { withinMs: 40_000 });
    const stoppedMs = Date.now();
    try {
      const code = await daemon.stop();
      story.act(`the daemon is stopped (exit code ${code})`);
      claims.is('the daemon ends with 0', { ok: code === 0, saw: `exit code ${code}` });
      await Promise.all([sabotaged ? undefined : scenery.extend(extended, 3600), scenery.cancel(cancelled)]);
      const from = (await chain.head()).number;
      const grown = async (): Promise<boolean> => (await chain.head()).number >= from + 3;
      await until('there are blocks to catch up with', grown);
      const early = [extended, cancelled].flatMap(({ name }) => observer.lifecycle(name, '', stoppedMs));
      claims.is('nothing happens without it', { ok: early.length === 0, saw: `${early.length} events` });
    } finally {
      story.act('the daemon is started again');
      await daemon.start();
    }
    const dueAtMs = Date.now();
    await claims.becomes('the extended one runs', announced(scenery, extended, 'Started Booted', stoppedMs), {
      withinMs: 20_000,
      dueAtMs,
    });
    await claims.becomes('its record is right', paidAndRunning(scenery, extended), { withinMs: 10_000, dueAtMs });
    await claims.becomes('the cancelled one is suspended', recordSuspended(scenery, cancelled), {
      withinMs: 40_000,
      dueAtMs,
    });
  },
};
