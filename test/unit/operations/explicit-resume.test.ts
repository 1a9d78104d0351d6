import { describe, expect, it } from 'vitest';
import { createOperator } from '../../models/model-operator.ts';
import { createWorld, type World } from '../../models/model-world.ts';

const DAY_S = 86_400n;
const MINUTE = 60_000;
const GRACE_MS = 600_000;
const NAME = 'blockhost-007';

const sold = async (seconds = 60) => {
  const world = createWorld({ graceMs: GRACE_MS, quarantineMs: 2 * GRACE_MS });
  const machine = await world.sell(7, seconds, { tokenId: 70n });
  return { world, op: createOperator(world), ...machine };
};
const suspended = async () => {
  const all = await sold();
  await all.world.pass(all.uuid, 3 * MINUTE);
  expect(all.guest.run).toBe('off');
  return all;
};
const quarantined = async () => {
  const all = await sold();
  await all.world.pass(all.uuid, GRACE_MS + 5 * MINUTE, 5000);
  expect(await all.world.hypervisor.look(all.uuid)).toBe('absent');
  return all;
};
const nowUnix = (world: World): bigint => BigInt(Math.floor(world.clock.nowUnixMs() / 1000));
const record = (world: World) => world.records.read(NAME);

describe('resume without an extension', () => {
  it('starts a suspended machine that was extended, and its record has exactly the expiry of the chain (D15)', async () => {
    const { world, op, guest, ref } = await suspended();
    const until = nowUnix(world) + 30n * DAY_S;
    world.ledger.change(ref, until);
    // What the engine wrote before it called: too much, and that is put right.
    await world.records.patch(NAME, { status: 'active', expiresAtUnix: until + 30n * DAY_S });
    await world.clock.advance(3000);
    expect(await op.resume(NAME)).toMatchObject({ refused: undefined, warned: [] });
    expect(guest.run).toBe('running');
    const after = await record(world);
    expect(after).toMatchObject({ status: 'active', expiresAtUnix: until });
    expect(after?.suspendedAtUnix).toBeUndefined();
  });

  it('is no error on a machine that runs', async () => {
    const { op } = await sold(100_000);
    expect(await op.resume(NAME)).toMatchObject({ refused: undefined, said: ['blockhost-007 is running'] });
  });

  it('is never refused on our own view of the chain: unpaid it starts with a warning, unknown without one (D15)', async () => {
    const { world, op, guest } = await suspended();
    const unpaid = await op.resume(NAME);
    expect(unpaid.refused).toBeUndefined();
    expect(unpaid.warned[0]).toContain('is not paid for');
    expect(guest.run).toBe('running');
    await op.kill(NAME);
    world.ledger.outage(true);
    const unknown = await op.resume(NAME);
    expect(unknown).toMatchObject({ refused: undefined, warned: [] });
    expect(guest.run).toBe('running');
  });

  it('keeps a future expires_at where the chain cannot be read', async () => {
    const { world, op, guest } = await suspended();
    const until = nowUnix(world) + 77n * DAY_S;
    await world.records.patch(NAME, { expiresAtUnix: until });
    world.ledger.outage(true);
    await op.resume(NAME);
    expect(guest.run).toBe('running');
    expect(await record(world)).toMatchObject({ status: 'active', expiresAtUnix: until });
  });

  it('takes a stop by hand back, so that a crash is mended again (D16)', async () => {
    const { world, op, uuid, guest } = await sold(100_000);
    await op.stop(NAME);
    await op.resume(NAME);
    expect(world.journal.state().machines[uuid]?.adminStop).toBeUndefined();
    await world.pass(uuid, MINUTE);
    world.hypervisor.crash(uuid);
    await world.pass(uuid, MINUTE);
    expect(guest.run).toBe('running');
  });

  it('starts a machine that the daemon is just suspending, as soon as it has gone off, and it stays on', async () => {
    const { world, op, uuid, guest, ref } = await sold();
    guest.behaviour = { ...guest.behaviour, shutdownMs: 6000 };
    await world.clock.advance(55_000);
    for (let passed = 0; passed < 120 && !world.journal.state().machines[uuid]?.suspending; passed += 1) {
      await world.pass(uuid, 1000);
    }
    expect(guest.run).toBe('running');
    world.ledger.change(ref, nowUnix(world) + 100_000n);
    await world.clock.advance(2500);
    expect((await op.resume(NAME)).refused).toBeUndefined();
    expect(guest.run).toBe('running');
    await world.pass(uuid, 10 * MINUTE, 5000);
    expect(guest.run).toBe('running');
    expect(await record(world)).toMatchObject({ status: 'active' });
  });

  it.each(['destroyed', 'never known'])('fails with one sentence where the machine is %s', async (which) => {
    const { op } = await sold(100_000);
    if (which === 'destroyed') await op.destroy(NAME);
    const name = which === 'destroyed' ? NAME : 'nobody';
    expect((await op.resume(name)).refused).toBe(
      which === 'destroyed' ? 'blockhost-007 was destroyed' : 'there is no machine nobody',
    );
  });

  it('refuses a held machine that would have to be started, and not one that runs (L11)', async () => {
    const { world, op, uuid, guest } = await sold(100_000);
    const untilUnixMs = world.clock.nowUnixMs() + MINUTE;
    await world.journal.append([{ kind: 'hold', uuid, reason: 'ticket', by: 'ann', untilUnixMs }]);
    expect((await op.resume(NAME)).refused).toBeUndefined();
    world.hypervisor.powerOffFromInside(uuid);
    expect((await op.resume(NAME)).refused).toMatch(/^blockhost-007 is held by ann until /);
    expect(guest.run).toBe('off');
  });
});

describe('resume --extend-days', () => {
  it('grants days from now where the time had passed; the daemon honours them and no more (D15)', async () => {
    const { world, op, uuid, guest } = await suspended();
    const until = nowUnix(world) + 2n * DAY_S;
    expect(await op.resume(NAME, { extendDays: 2 })).toMatchObject({ refused: undefined, warned: [] });
    expect(guest.run).toBe('running');
    expect(world.journal.state().machines[uuid]?.grantUntilUnix).toBe(until);
    expect(await record(world)).toMatchObject({ status: 'active', expiresAtUnix: until });
    await world.pass(uuid, 2 * 86_400_000 - 5 * MINUTE, 600_000);
    expect(guest.run).toBe('running');
    await world.pass(uuid, 10 * MINUTE, 5000);
    expect(guest.run).toBe('off');
  });

  it('adds them to what is paid for where it is paid for, and to an earlier grant', async () => {
    const { world, op, uuid, expiresAtUnix } = await sold(100_000);
    await op.resume(NAME, { extendDays: 3 });
    expect(world.journal.state().machines[uuid]?.grantUntilUnix).toBe(expiresAtUnix + 3n * DAY_S);
    await op.resume(NAME, { extendDays: 1 });
    expect(world.journal.state().machines[uuid]?.grantUntilUnix).toBe(expiresAtUnix + 4n * DAY_S);
  });

  it('counts from the record where the chain cannot be read', async () => {
    const { world, op, uuid } = await suspended();
    world.ledger.outage(true);
    const until = nowUnix(world) + 10n * DAY_S;
    await world.records.patch(NAME, { expiresAtUnix: until });
    await op.resume(NAME, { extendDays: 1 });
    expect(world.journal.state().machines[uuid]?.grantUntilUnix).toBe(until + DAY_S);
  });

  it('is paid until the later of chain and grant, whichever that is (D15)', async () => {
    const { world, op, uuid, ref } = await suspended();
    await op.resume(NAME, { extendDays: 1 });
    const until = nowUnix(world) + 50n * DAY_S;
    world.ledger.change(ref, until);
    await world.pass(uuid, 10_000);
    expect(await record(world)).toMatchObject({ expiresAtUnix: until });
  });

  it('says with --dry-run what it would do, and does nothing', async () => {
    const { world, op, guest } = await suspended();
    const [events, before] = [world.events.length, await record(world)];
    const done = await op.resume(NAME, { extendDays: 2, dryRun: true });
    expect(done.said[0]).toMatch(/^would grant blockhost-007 until 2027-/);
    expect(done.said[1]).toBe('would start blockhost-007');
    expect(world.events.length).toBe(events);
    expect(await record(world)).toEqual(before);
    expect(guest.run).toBe('off');
  });
});

describe('resume of a machine in quarantine', () => {
  it('brings the same machine back when it is paid for (C11, D21)', async () => {
    const { world, op, uuid, ref } = await quarantined();
    world.ledger.change(ref, nowUnix(world) + 100_000n);
    await world.clock.advance(3000);
    expect((await op.resume(NAME)).refused).toBeUndefined();
    expect(world.hypervisor.guest(uuid)?.run).toBe('running');
    expect([...world.quarantine.moved]).toEqual([]);
    expect(await record(world)).toMatchObject({ status: 'active', ipAddress: '192.168.122.7' });
    expect((await world.records.allocated()).ipv4).toEqual(['192.168.122.7']);
  });

  it('does not for one that is known not to be paid for, and says what would', async () => {
    const { world, op, uuid } = await quarantined();
    expect((await op.resume(NAME)).refused).toBe('blockhost-007 is in quarantine and is not paid for');
    expect(await world.hypervisor.look(uuid)).toBe('absent');
  });

  it('brings an unpaid one back for a grant, and its record says until when', async () => {
    const { world, op, uuid } = await quarantined();
    const until = nowUnix(world) + 5n * DAY_S;
    expect((await op.resume(NAME, { extendDays: 5 })).refused).toBeUndefined();
    expect(world.hypervisor.guest(uuid)?.run).toBe('running');
    expect(await record(world)).toMatchObject({ status: 'active', expiresAtUnix: until });
    await world.pass(uuid, 10 * MINUTE, 5000);
    expect(world.hypervisor.guest(uuid)?.run).toBe('running');
  });

  it('brings one back of which the chain says nothing: unknown is not no (L3)', async () => {
    const { world, op, uuid } = await quarantined();
    world.ledger.outage(true);
    expect((await op.resume(NAME)).refused).toBeUndefined();
    expect(world.hypervisor.guest(uuid)?.run).toBe('running');
  });
});
