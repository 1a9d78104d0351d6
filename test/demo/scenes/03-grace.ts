import { GRACE_SECONDS, QUARANTINE_SECONDS } from '../host.ts';
import { announced, destroyed, graceEndsMs, paidAndRunning, recordSuspended } from '../looks.ts';
import type { Scene, Scenery } from '../stage.ts';

const LETTER = 'written before the destruction';

const suspendedThenDestroyed = async (scenery: Scenery, role: string, who: string): Promise<void> => {
  const { claims } = scenery;
  const machine = scenery.machine(role);
  const since = { withinMs: 45_000, dueAtMs: machine.expiresAtMs };
  await claims.becomes(`${who}: suspended`, recordSuspended(scenery, machine), since);
  const dueAtMs = await graceEndsMs(scenery, machine, GRACE_SECONDS);
  await claims.becomes(
    `${who}, after grace: domain, disk and cloud-init gone, record destroyed`,
    destroyed(scenery, machine),
    { withinMs: GRACE_SECONDS * 1000 + 30_000, dueAtMs },
  );
};

const paidLate = async (scenery: Scenery): Promise<void> => {
  const { claims, observer, sabotaged } = scenery;
  const machine = scenery.machine('paid-late');
  const uuid = await observer.uuid(machine.name);
  const disk = await observer.grip(machine.guest.disk);
  try {
    await suspendedThenDestroyed(scenery, 'paid-late', 'one');
    const beforeMs = Date.now();
    const dueAtMs = sabotaged ? beforeMs : (await scenery.extend(machine, 3600)).timestampUnix * 1000;
    await claims.becomes(
      'one: a late payment brings it back',
      announced(scenery, machine, 'Started Booted', beforeMs),
      {
        withinMs: 20_000,
        dueAtMs,
      },
    );
    await claims.becomes('one: record active', paidAndRunning(scenery, machine), { withinMs: 10_000, dueAtMs });
    const same = (await observer.uuid(machine.name)) === uuid && (await disk.isAt(machine.guest.disk));
    claims.is('one: same machine, same disk', { ok: same, saw: same ? 'same UUID and inode' : 'another one' });
    await machine.guest.waitAgent(30_000);
    const { stdout } = await machine.guest.exec(['cat', '/data/letter']);
    claims.is('one: the file written before is in it', {
      ok: stdout === LETTER,
      saw: stdout === LETTER ? 'read by the agent' : `"${stdout}"`,
    });
  } finally {
    await disk.release();
  }
};

const purged = async (scenery: Scenery): Promise<void> => {
  const { claims, observer } = scenery;
  const machine = scenery.machine('never-paid');
  const disk = await observer.grip(machine.guest.disk);
  try {
    await suspendedThenDestroyed(scenery, 'never-paid', 'another');
    const kept = !(await disk.isDeleted());
    claims.is('another: its disk is kept in quarantine', { ok: kept, saw: kept ? 'it still has a name' : 'deleted' });
    const record = await observer.record(machine.name);
    const dueAtMs = Date.parse(record?.destroyed_at ?? '') + QUARANTINE_SECONDS * 1000;
    const look = async () => {
      const [gone, left] = [await disk.isDeleted(), await observer.filesNamed(machine.name)];
      return {
        ok: gone && left.length === 0,
        saw: gone ? `deleted, ${left.length} files left` : 'its disk is still kept',
      };
    };
    await claims.becomes('another, after quarantine: nothing is left of it', look, {
      withinMs: QUARANTINE_SECONDS * 1000 + 25_000,
      dueAtMs,
    });
  } finally {
    await disk.release();
  }
};

export const graceScene: Scene = {
  number: 3,
  title: 'grace passes; paid late; never paid',
  phase: 'A',
  waits: true,
  cast: [
    { role: 'paid-late', paidSeconds: 8, letter: LETTER },
    { role: 'never-paid', paidSeconds: 8 },
  ],
  play: async (scenery) => {
    const both = await Promise.allSettled([paidLate(scenery), purged(scenery)]);
    for (const one of both) if (one.status === 'rejected') throw one.reason;
  },
};
