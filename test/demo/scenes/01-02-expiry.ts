import { announced, paidAndRunning, recordSuspended } from '../looks.ts';
import type { Scene } from '../stage.ts';

/** The time is over: asked to shut down, the guest really does. Paid again: it runs again. */
export const expiryScene: Scene = {
  number: 1,
  title: 'a subscription runs out',
  phase: 'A',
  cast: [{ role: 'runs-out', paidSeconds: 8 }],
  play: async (scenery) => {
    const { claims, observer, sabotaged } = scenery;
    const machine = scenery.machine('runs-out');
    const dueAtMs = machine.expiresAtMs;
    if (sabotaged) await scenery.extend(machine, 3600);
    await claims.becomes('the guest powers itself off', announced(scenery, machine, 'Stopped Shutdown', dueAtMs), {
      withinMs: 40_000,
      dueAtMs,
    });
    const lastWord = (await observer.console(machine.guest)).includes('lab: poweroff');
    claims.is('it shut its own system down', { ok: lastWord, saw: lastWord ? 'its console says so' : 'no such word' });
    await claims.becomes('record: suspended', recordSuspended(scenery, machine), { withinMs: 10_000, dueAtMs });
  },
};

export const extensionScene: Scene = {
  number: 2,
  title: 'it is extended on the chain',
  phase: 'A',
  cast: [],
  after: 1,
  play: async (scenery) => {
    const { claims, sabotaged } = scenery;
    const machine = scenery.machine('runs-out');
    const beforeMs = Date.now();
    const dueAtMs = sabotaged ? beforeMs : (await scenery.extend(machine, 3600)).timestampUnix * 1000;
    await claims.becomes('the guest runs again', announced(scenery, machine, 'Started Booted', beforeMs), {
      withinMs: 20_000,
      dueAtMs,
    });
    await claims.becomes("the record carries the chain's expiresAt", paidAndRunning(scenery, machine), {
      withinMs: 10_000,
      dueAtMs,
    });
    await machine.guest.waitAgent(30_000);
    claims.is('its system is up', { ok: true, saw: 'its agent answers' });
  },
};
