import type { Seen } from '../claims.ts';
import { announced, neverStopped, recordSuspended } from '../looks.ts';
import type { Machine, Scene, Scenery } from '../stage.ts';

/** Deeper than this would be below `finalized`, which is another story (D23). */
const DEEPEST = 7;

const heardOf =
  ({ daemon }: Scenery, { name }: Machine, sinceMs: number) =>
  async (): Promise<Seen> => {
    const line = daemon
      .log()
      .find(
        ({ atMs, fields, msg }) =>
          atMs >= sinceMs && fields.vm === name && msg === 'decision' && fields.row !== 'goes-on',
      );
    return { ok: line !== undefined, saw: line ? `decided ${String(line.fields.row)}` : 'not a word' };
  };

/** Extension and both cancellations go into one block; the new branch holds one cancellation alone. */
const branch = async (scenery: Scenery): Promise<{ firstBlock: number; atMs: number }> => {
  const { claims } = scenery;
  const [extended, kept, lost] = ['resumed', 'cancelled-for-good', 'cancelled-in-vain'].map(scenery.machine) as [
    Machine,
    Machine,
    Machine,
  ];
  const sinceMs = Date.now();
  const mined = await Promise.all([scenery.extend(extended, 3600), scenery.cancel(kept), scenery.cancel(lost)]);
  const firstBlock = Math.min(...mined.map(({ blockNumber }) => blockNumber));
  const dueAtMs = (mined[0]?.timestampUnix ?? 0) * 1000;
  await claims.becomes('extended: runs again at once', announced(scenery, extended, 'Started', sinceMs), {
    withinMs: 6000,
    dueAtMs,
  });
  await claims.becomes('the cancellation was heard of', heardOf(scenery, lost, sinceMs), { withinMs: 4000 });
  return { firstBlock, atMs: Date.now() };
};

const reorganise = async (scenery: Scenery, firstBlock: number): Promise<void> => {
  const { chain, claims, story, people } = scenery;
  const depth = (await chain.head()).number - firstBlock + 1;
  claims.is(`a reorg above finalized`, { ok: depth <= DEEPEST, saw: `${depth} blocks deep` });
  const kept = scenery.machine('cancelled-for-good');
  await chain.reorg(depth, [{ transaction: chain.transaction.cancel(kept.id, people.customer), block: 0 }]);
  story.chain(
    firstBlock,
    `REORG: the last ${depth} blocks are replaced; only the cancellation of ${kept.name} is in the new ones`,
  );
};

export const reorgScene: Scene = {
  number: 10,
  title: 'a reorg takes back an extension and a cancellation',
  phase: 'D',
  cast: [
    { role: 'resumed', paidSeconds: 6 },
    { role: 'cancelled-for-good', paidSeconds: 3600 },
    { role: 'cancelled-in-vain', paidSeconds: 3600 },
  ],
  play: async (scenery) => {
    const { claims, chain, observer, sabotaged } = scenery;
    const [extended, kept, lost] = [
      scenery.machine('resumed'),
      scenery.machine('cancelled-for-good'),
      scenery.machine('cancelled-in-vain'),
    ];
    const beganMs = Date.now();
    await claims.becomes('one is suspended', recordSuspended(scenery, extended), { withinMs: 30_000 });
    const { firstBlock } = await branch(scenery);
    const reorgMs = Date.now();
    if (!sabotaged) await reorganise(scenery, firstBlock);
    const canonical = await chain.subscription(extended.id);
    const takenBack =
      Number(canonical.expiresAtUnix) * 1000 === extended.expiresAtMs && !(await chain.subscription(lost.id)).cancelled;
    claims.is('the chain took both back', { ok: takenBack, saw: takenBack ? 'read by RPC' : 'it did not' });
    const within = { withinMs: 40_000, dueAtMs: reorgMs };
    await claims.becomes(
      'suspended again, as the chain says',
      announced(scenery, extended, 'Stopped', reorgMs),
      within,
    );
    await claims.becomes('record: suspended', recordSuspended(scenery, extended), {
      withinMs: 10_000,
      dueAtMs: reorgMs,
    });
    await claims.becomes('a cancellation that stays: suspended', recordSuspended(scenery, kept), within);
    await claims.stays('the one taken back: never stopped', neverStopped(scenery, lost, beganMs), 4000);
    const there = await Promise.all([extended, kept, lost].map(({ guest }) => observer.exists(guest.disk)));
    const undefinedDomains = [extended, kept, lost].flatMap(({ name }) =>
      observer.lifecycle(name, 'Undefined', beganMs),
    );
    const whole = there.every(Boolean) && undefinedDomains.length === 0;
    claims.is('nothing was destroyed', {
      ok: whole,
      saw: whole ? 'all domains and disks are there' : 'something is gone',
    });
  },
};
