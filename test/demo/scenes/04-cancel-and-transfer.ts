import type { Seen } from '../claims.ts';
import { GRACE_SECONDS } from '../host.ts';
import { destroyed, graceEndsMs, recordSuspended } from '../looks.ts';
import type { Machine, Scene, Scenery } from '../stage.ts';

const cancelled = async (scenery: Scenery): Promise<void> => {
  const { claims, sabotaged } = scenery;
  const machine = scenery.machine('cancelled');
  const dueAtMs = sabotaged ? Date.now() : (await scenery.cancel(machine)).timestampUnix * 1000;
  await claims.becomes('cancelled: suspended', recordSuspended(scenery, machine), { withinMs: 40_000, dueAtMs });
  const graceEndMs = await graceEndsMs(scenery, machine, GRACE_SECONDS);
  await claims.becomes('cancelled, after grace: destroyed', destroyed(scenery, machine), {
    withinMs: GRACE_SECONDS * 1000 + 30_000,
    dueAtMs: graceEndMs,
  });
};

const names = async (machine: Machine, owner: string): Promise<Seen> => {
  const gecos = await machine.guest.gecos();
  const ok = gecos.toLowerCase().includes(`wallet=${owner.toLowerCase()}`) && gecos.endsWith(`nft=${machine.token}`);
  return { ok, saw: `GECOS of ${machine.name} ${ok ? 'names' : 'does not name'} ${owner.slice(0, 8)}…` };
};

/** The token that a record merely reserves is transferred first, so that the other one's change proves who was looking. */
const transferred = async (scenery: Scenery): Promise<void> => {
  const { claims, chain, story, people, observer } = scenery;
  const [minted, reserved] = [scenery.machine('transferred'), scenery.machine('reserved')];
  for (const { token, name } of [reserved, minted]) {
    const { blockNumber } = await chain.transferNft(token ?? 0n, people.friend);
    story.chain(blockNumber, `NFT ${token} (${name}) transferred to ${people.friend.slice(0, 8)}…`);
  }
  const owner = await chain.ownerOf(minted.token ?? 0n);
  const dueAtMs = (await chain.head()).timestampUnix * 1000;
  const atMs = await claims.becomes("the guest's GECOS names the NFT's new owner", () => names(minted, owner), {
    withinMs: 30_000,
    dueAtMs,
  });
  const record = async (): Promise<Seen> => {
    const wallet = (await observer.record(minted.name))?.owner_wallet ?? 'nobody';
    return { ok: wallet.toLowerCase() === owner.toLowerCase(), saw: `record names ${wallet.slice(0, 8)}…` };
  };
  await claims.becomes('so does its record', record, { withinMs: 10_000 });
  const spanMs = Math.max(4000, 2 * (atMs - dueAtMs) - (Date.now() - dueAtMs));
  await claims.stays("an unpaid reservation's does not", () => names(reserved, people.customer), spanMs);
};

export const cancelScene: Scene = {
  number: 4,
  title: 'one is cancelled, one has its NFT transferred',
  phase: 'A',
  waits: true,
  cast: [
    { role: 'cancelled', paidSeconds: 3600 },
    { role: 'transferred', paidSeconds: 3600, credential: 'minted' },
    { role: 'reserved', paidSeconds: 3600, credential: 'reserved' },
  ],
  play: async (scenery) => {
    const both = await Promise.allSettled([transferred(scenery), cancelled(scenery)]);
    for (const one of both) if (one.status === 'rejected') throw one.reason;
  },
};
