import { beforeEach, describe, expect, it } from 'vitest';
import { createMachine } from '../../../src/operations/create/create.ts';
import { resumeMachine } from '../../../src/operations/explicit/resume.ts';
import { createFleet } from '../../../src/operations/fleet.ts';
import { createReconcile } from '../../../src/operations/reconcile.ts';
import { createModelRecords } from '../../../src/simulator/models/model-records.ts';
import { type CreateWorld, createCreateWorld, requestFor } from '../../models/model-create.ts';
import { createModelJournal, OWNER } from '../../models/model-world.ts';

/*
 * Journal and records are gone, all of it: domains with their metadata, and the chain, give them back (D8). Whoever is paid
 * for is not harmed, and whoever is not gets no day less than he would have had.
 */

const NAME = 'blockhost-007';
const BUYER = `0x${'b2'.repeat(20)}` as const;
const DAY_MS = 86_400_000;
const POLICY = { graceMs: DAY_MS, quarantineMs: DAY_MS, shutdownPatienceMs: 30_000 };
const HARM = /^(ask to shut down|power off|save|undefine)/;

let world: CreateWorld;
let deps: CreateWorld['deps'];
/** One machine, paid for a day, made and minted as the command does it; token 42 is another one than was reserved. */
beforeEach(async () => {
  world = createCreateWorld(POLICY);
  deps = world.deps;
  world.buy(7);
  for (const id of [40n, 41n]) world.ledger.giveToken(id, BUYER);
  await createMachine(deps, requestFor(NAME, { username: 'customer', mint: true }));
  world.ledger.giveToken(42n, OWNER);
  await live(60_000);
});

/** A daemon on what `deps` is now, that looks at everything for so long. */
const live = async (ms: number): Promise<void> => {
  const fleet = createFleet(deps);
  const reconcile = createReconcile(deps, fleet);
  const stepMs = ms > DAY_MS / 24 ? 300_000 : 5000;
  for (let passed = 0; passed <= ms; passed += stepMs) {
    for (const uuid of await fleet.survey()) await reconcile(uuid, () => undefined);
    await world.clock.advance(stepMs);
  }
};
const lose = (): void => {
  const { journal } = createModelJournal(() => world.clock.nowUnixMs());
  deps = { ...deps, journal, records: createModelRecords() };
};
const machine = () => {
  const [memory, ...others] = Object.values(deps.journal.state().machines);
  expect(others).toEqual([]);
  return memory;
};
const guest = () => world.hypervisor.guests()[0];
const record = () => deps.records.read(NAME);
/** Calls that harmed it since. */
const harmSince = (calls: number) =>
  world.hypervisor.calls
    .slice(calls)
    .map(({ what }) => what)
    .filter((what) => HARM.test(what));
const pay = (seconds: number): void => {
  const subscription = world.ledger.refForName(NAME);
  if (subscription) world.ledger.change(subscription, BigInt(Math.floor(world.clock.nowUnixMs() / 1000) + seconds));
};

describe('a machine whose journal and record are lost', () => {
  it('is known again as what it was: bound, at its addresses, with owner and token, and never notices', async () => {
    const [before, memory, allocated] = [await record(), machine(), await deps.records.allocated()];
    expect(before).toMatchObject({ nftTokenId: 42n, nftMinted: true });
    const calls = world.hypervisor.calls.length;
    lose();
    await live(60_000);
    expect(machine()).toMatchObject({ uuid: memory?.uuid, name: NAME, phase: 'present' });
    expect([machine()?.machineClass, machine()?.details]).toEqual([memory?.machineClass, memory?.details]);
    expect(await record()).toEqual(before);
    expect(await deps.records.allocated()).toEqual(allocated);
    expect(guest()?.run).toBe('running');
    const done = world.hypervisor.calls.slice(calls).map(({ what }) => what);
    expect(done.filter((what) => what !== 'list' && what !== 'look')).toEqual([]);
  });

  it('that had been sold meanwhile names its present owner, in its record as in its guest (D25)', async () => {
    world.ledger.giveToken(42n, BUYER);
    await live(60_000);
    const before = await record();
    expect(before).toMatchObject({ ownerWallet: BUYER });
    lose();
    await live(60_000);
    expect(await record()).toMatchObject({ ownerWallet: BUYER, nftTokenId: 42n, nftMinted: true });
    world.ledger.giveToken(42n, OWNER);
    await live(60_000);
    expect(guest()?.gecos.get('customer')).toBe(`wallet=${OWNER},nft=42`);
  });

  it('that ends later is suspended then, and not before', async () => {
    lose();
    await live(60_000);
    pay(600);
    await live(500_000);
    expect(guest()?.run).toBe('running');
    await live(300_000);
    expect(guest()?.run).toBe('off');
    expect(await record()).toMatchObject({ status: 'suspended' });
  });

  it('while the chain is silent is kept as it is, and nothing is guessed (L3)', async () => {
    const calls = world.hypervisor.calls.length;
    lose();
    world.ledger.outage(true);
    await live(2 * DAY_MS);
    expect(machine()?.machineClass.kind).toBe('bound');
    expect(harmSince(calls)).toEqual([]);
    expect(guest()?.run).toBe('running');
  });

  it('that an operator granted days to keeps them (D15)', async () => {
    const ctx = {
      deps,
      fleet: createFleet(deps),
      by: 'op',
      say: () => undefined,
      warn: () => undefined,
      stop: deps.stop,
    };
    await resumeMachine(ctx, NAME, { extendDays: 3, dryRun: false });
    await live(60_000);
    const until = machine()?.grantUntilUnix;
    lose();
    await live(60_000);
    expect(machine()?.grantUntilUnix).toBe(until);
    await live(2 * DAY_MS);
    expect(guest()?.run).toBe('running');
    expect(await record()).toMatchObject({ status: 'active', expiresAtUnix: until });
  });
});

describe('a suspended machine whose journal and record are lost', () => {
  beforeEach(async () => {
    await live(DAY_MS);
    await live(300_000);
    expect(await record()).toMatchObject({ status: 'suspended' });
  });

  it('is suspended still, and its grace is not a minute shorter than from its suspension on (C10)', async () => {
    await live(DAY_MS / 2);
    const calls = world.hypervisor.calls.length;
    const suspendedAtUnixMs = machine()?.suspendedAtUnixMs ?? 0;
    lose();
    await live(60_000);
    expect(machine()?.suspendedAtUnixMs).toBeGreaterThanOrEqual(suspendedAtUnixMs);
    expect(await record()).toMatchObject({ name: NAME, status: 'suspended', ipAddress: '192.168.122.2' });
    await live(suspendedAtUnixMs + DAY_MS - world.clock.nowUnixMs() - 600_000);
    expect(harmSince(calls)).toEqual([]);
    await live(DAY_MS);
    expect(machine()?.phase).toBe('quarantined');
  });

  it('that is paid for before anybody looks is started (C11)', async () => {
    lose();
    pay(DAY_MS / 1000);
    await world.clock.advance(60_000);
    await live(60_000);
    expect(guest()?.run).toBe('running');
    expect(await record()).toMatchObject({ status: 'active' });
  });

  it('that runs by somebody’s hand is no suspended one any more', async () => {
    lose();
    await world.hypervisor.start(guest()?.uuid ?? '');
    pay(DAY_MS / 1000);
    await live(60_000);
    expect(machine()?.suspendedAtUnixMs).toBeUndefined();
    expect(await record()).toMatchObject({ status: 'active' });
  });
});

describe('a machine that its owner switched off, whose journal and record are lost', () => {
  it('stays off while it is paid for (D16)', async () => {
    world.hypervisor.powerOffFromInside(guest()?.uuid ?? '');
    await live(60_000);
    lose();
    await live(60_000);
    expect(guest()?.run).toBe('off');
    expect(await record()).toMatchObject({ status: 'active' });
  });
});
