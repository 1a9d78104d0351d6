import { describe, expect, it } from 'vitest';
import { createWorld, OWNER, type World } from '../../models/model-world.ts';

const GRACE_MS = 600_000;
const QUARANTINE_MS = 1_200_000;
const POLICY = { graceMs: GRACE_MS, quarantineMs: QUARANTINE_MS };
const MINUTE = 60_000;

const sold = async (seconds = 60, world = createWorld(POLICY)) => ({
  world,
  ...(await world.sell(7, seconds, { tokenId: 70n })),
});
const record = (world: World) => world.records.read('blockhost-007');
const called = (world: World, what: string): number =>
  world.hypervisor.calls.filter((call) => call.what.startsWith(what)).length;
const nowUnix = (world: World): bigint => BigInt(Math.floor(world.clock.nowUnixMs() / 1000));

describe('a machine on its way', () => {
  it('is known by its metadata, and noted as running', async () => {
    const { world, uuid } = await sold();
    expect(world.journal.state().machines[uuid]).toMatchObject({
      name: 'blockhost-007',
      phase: 'present',
      run: { on: true },
    });
  });

  it('is shut down gracefully, once, after its expiry, and its record says so (C5, L4)', async () => {
    const { world, uuid, guest } = await sold();
    await world.pass(uuid, 3 * MINUTE);
    expect(guest.run).toBe('off');
    expect(guest.reason).toBe('shutdown');
    expect(called(world, 'ask to shut down')).toBe(1);
    expect(await record(world)).toMatchObject({ status: 'suspended' });
  });

  it('runs again when it is extended, with exactly the expiry of the chain', async () => {
    const { world, uuid, guest, ref } = await sold();
    await world.pass(uuid, 3 * MINUTE);
    world.ledger.change(ref, nowUnix(world) + 7777n);
    const expected = world.clock.nowUnixMs() / 1000 + 7777;
    await world.pass(uuid, 10_000);
    expect(guest.run).toBe('running');
    const after = await record(world);
    expect(after).toMatchObject({ status: 'active', expiresAtUnix: BigInt(Math.floor(expected)) });
    expect(after?.suspendedAtUnix).toBeUndefined();
  });

  it('escalates when it is deaf: asked again, then power is taken, and only then is it suspended', async () => {
    const { world, uuid, guest } = await sold();
    guest.behaviour = { ...guest.behaviour, acpi: 'ignores', agent: 'mute' };
    await world.pass(uuid, 2 * MINUTE);
    expect(guest.run).toBe('running');
    expect(called(world, 'ask to shut down')).toBeGreaterThan(2);
    await world.pass(uuid, 2 * MINUTE);
    expect(guest.run).toBe('off');
    expect(called(world, 'power off')).toBe(1);
    expect(await record(world)).toMatchObject({ status: 'suspended' });
  });

  it('takes the power by force where qemu does not end', async () => {
    const { world, uuid, guest } = await sold();
    guest.behaviour = { ...guest.behaviour, acpi: 'ignores', agent: 'none', stuck: true };
    await world.pass(uuid, 6 * MINUTE);
    expect(guest.run).toBe('off');
    expect(called(world, 'power off')).toBe(2);
  });

  it('goes into quarantine after its grace, counted from the real suspension (C10, D21)', async () => {
    const { world, uuid, name } = await sold();
    await world.clock.advance(GRACE_MS * 2);
    await world.pass(uuid, 2 * MINUTE);
    expect(await record(world)).toMatchObject({ status: 'suspended' });
    await world.pass(uuid, GRACE_MS - 3 * MINUTE, 5000);
    expect(await world.hypervisor.look(uuid)).not.toBe('absent');
    await world.pass(uuid, 5 * MINUTE);
    expect(await world.hypervisor.look(uuid)).toBe('absent');
    expect([...world.quarantine.moved]).toContain(`/vms/${name}.qcow2`);
    expect(await record(world)).toMatchObject({ status: 'destroyed' });
    expect((await world.records.allocated()).ipv4).toEqual([]);
  });

  it('comes back out of quarantine for a late payment, the same machine (C11, D21)', async () => {
    const { world, uuid, ref } = await sold();
    await world.pass(uuid, GRACE_MS + 5 * MINUTE, 5000);
    expect(await world.hypervisor.look(uuid)).toBe('absent');
    world.ledger.change(ref, nowUnix(world) + 100_000n);
    await world.pass(uuid, 10_000);
    expect(world.hypervisor.guest(uuid)?.run).toBe('running');
    expect([...world.quarantine.moved]).toEqual([]);
    expect(await record(world)).toMatchObject({ status: 'active', ipAddress: '192.168.122.7' });
    expect((await world.records.allocated()).ipv4).toEqual(['192.168.122.7']);
  });

  it('is purged when its quarantine has passed, and a payment after that is told (C11)', async () => {
    const { world, uuid, ref } = await sold();
    await world.pass(uuid, GRACE_MS + QUARANTINE_MS + 10 * MINUTE, 5000);
    expect(world.journal.state().machines[uuid]?.phase).toBe('gone');
    world.ledger.change(ref, nowUnix(world) + 100_000n);
    await world.clock.advance(5000);
    const last = await world.look(uuid);
    expect(last?.plan).toMatchObject({ row: 'paid-but-gone', report: { level: 'error' } });
  });

  it('is started again when its qemu died, with a growing pause when it keeps dying (L8, D16)', async () => {
    const { world, uuid, guest } = await sold(100_000);
    world.hypervisor.crash(uuid);
    await world.pass(uuid, 8000);
    expect(guest.run).toBe('running');
    for (let crash = 0; crash < 5; crash += 1) {
      world.hypervisor.crash(uuid);
      await world.pass(uuid, 8000);
    }
    world.hypervisor.crash(uuid);
    await world.pass(uuid, 8000);
    expect(guest.run).not.toBe('running');
    await world.pass(uuid, 5 * MINUTE);
    expect(guest.run).toBe('running');
  });

  it('is started again after a crash though the chain is unknown (L6)', async () => {
    const { world, uuid, guest } = await sold(100_000);
    world.ledger.outage(true);
    world.hypervisor.crash(uuid);
    await world.pass(uuid, 8000);
    expect(guest.run).toBe('running');
  });

  it('stays off when its owner powered it off from inside (D16)', async () => {
    const { world, uuid, guest } = await sold(100_000);
    world.hypervisor.powerOffFromInside(uuid);
    await world.pass(uuid, 10 * MINUTE, 5000);
    expect(guest.run).toBe('off');
    expect(await record(world)).toMatchObject({ status: 'active' });
  });

  it('is left alone while it is held and while it is protected (L11)', async () => {
    const { world, uuid, guest } = await sold();
    await world.journal.append([
      { kind: 'hold', uuid, reason: 'ticket', by: 'op', untilUnixMs: world.clock.nowUnixMs() + 5 * MINUTE },
    ]);
    await world.pass(uuid, 4 * MINUTE);
    expect(guest.run).toBe('running');
    await world.journal.append([
      { kind: 'release', uuid, by: 'op' },
      { kind: 'protect', uuid, reason: 'court', by: 'op' },
    ]);
    await world.pass(uuid, 4 * MINUTE);
    expect(guest.run).toBe('running');
    await world.journal.append([{ kind: 'unprotect', uuid, by: 'op' }]);
    await world.pass(uuid, 2 * MINUTE);
    expect(guest.run).toBe('off');
  });

  it('is not harmed while no endpoint answers, and is suspended when one does (L3)', async () => {
    const { world, uuid, guest } = await sold();
    world.ledger.outage(true);
    await world.pass(uuid, 60 * MINUTE, 10_000);
    expect(guest.run).toBe('running');
    world.ledger.outage(false);
    await world.pass(uuid, 2 * MINUTE);
    expect(guest.run).toBe('off');
  });

  it('is not destroyed while the endpoints disagree (C5)', async () => {
    const { world, uuid } = await sold();
    await world.pass(uuid, 3 * MINUTE);
    world.ledger.liar(true);
    await world.pass(uuid, 3 * GRACE_MS, 10_000);
    expect(await world.hypervisor.look(uuid)).not.toBe('absent');
    world.ledger.liar(false);
    await world.pass(uuid, MINUTE);
    expect(await world.hypervisor.look(uuid)).toBe('absent');
  });

  it('is destroyed on the word of one endpoint only after two reads far enough apart (C5, D22)', async () => {
    const { world, uuid } = await sold(60, createWorld(POLICY, 1));
    await world.pass(uuid, GRACE_MS + 6 * MINUTE, 2000);
    expect(await world.hypervisor.look(uuid)).not.toBe('absent');
    expect(world.journal.state().machines[uuid]?.witnesses).toHaveLength(1);
    await world.pass(uuid, 10 * MINUTE, 2000);
    expect(await world.hypervisor.look(uuid)).toBe('absent');
  });

  it('goes on where it was when the daemon is killed in the middle of a suspension, and asks no more than it must (L4)', async () => {
    const { world, uuid, guest } = await sold();
    guest.behaviour = { ...guest.behaviour, shutdownMs: 8000 };
    while (called(world, 'ask to shut down') === 0) await world.pass(uuid, 1000);
    world.restart();
    await world.pass(uuid, MINUTE);
    expect(guest.run).toBe('off');
    expect(called(world, 'ask to shut down')).toBe(1);
    expect(world.events.filter(({ kind }) => kind === 'suspended')).toHaveLength(1);
  });

  it('is started when it was paid again while it was going down', async () => {
    const { world, uuid, guest, ref } = await sold();
    guest.behaviour = { ...guest.behaviour, shutdownMs: 8000 };
    while (called(world, 'ask to shut down') === 0) await world.pass(uuid, 1000);
    world.ledger.change(ref, nowUnix(world) + 100_000n);
    await world.pass(uuid, MINUTE);
    expect(guest.run).toBe('running');
    expect(guest.boots).toBe(2);
  });

  const saving = async (saves: 'slowly' | 'in vain', saveMs = MINUTE) => {
    const made = await sold(60, createWorld({ ...POLICY, suspendMode: 'save' }));
    made.guest.behaviour = { ...made.guest.behaviour, saves, saveMs };
    return made;
  };

  it('keeps its power while a save that ran out of time goes on, and is suspended by it (D24)', async () => {
    const { world, uuid, guest } = await saving('slowly');
    await world.pass(uuid, 100_000);
    expect(guest).toMatchObject({ run: 'paused', reason: 'saving' });
    await world.pass(uuid, 2 * MINUTE);
    expect(guest).toMatchObject({ run: 'off', reason: 'saved', saved: 'sound' });
    expect([called(world, 'power off'), called(world, 'ask to shut down'), called(world, 'save')]).toEqual([0, 0, 1]);
    expect(await record(world)).toMatchObject({ status: 'suspended' });
  });

  it('loses its power when a save does not end within the patience', async () => {
    const { world, uuid, guest } = await saving('slowly', 1000 * MINUTE);
    await world.pass(uuid, 5 * MINUTE);
    expect(guest).toMatchObject({ run: 'off', reason: 'destroyed' });
  });

  it('goes on after a save that failed and left it paused, and is then asked to shut down (D24)', async () => {
    const { world, uuid, guest } = await saving('in vain');
    await world.pass(uuid, 3 * MINUTE);
    expect(guest).toMatchObject({ run: 'off', reason: 'shutdown' });
    expect([called(world, 'resume'), called(world, 'ask to shut down'), called(world, 'power off')]).toEqual([1, 1, 0]);
  });

  it('comes back when it is paid again during a save that goes on', async () => {
    const { world, uuid, guest, ref } = await saving('slowly');
    while (guest.run === 'running') await world.pass(uuid, 1000);
    world.ledger.change(ref, nowUnix(world) + 7777n);
    await world.pass(uuid, 2 * MINUTE);
    expect(guest).toMatchObject({ run: 'running', boots: 1 });
    expect(called(world, 'power off')).toBe(0);
    expect(await record(world)).toMatchObject({ status: 'active' });
  });

  it('is not left paused when it is paid again after a save that failed', async () => {
    const { world, uuid, guest } = await sold(100_000);
    const basis = { row: 'expired-running', because: 'over', policyVersion: 1, observedAtUnixMs: 0 };
    await world.journal.append([
      { kind: 'intent', uuid, step: 'save', basis },
      { kind: 'outcome', uuid, step: 'save', ok: false, durationMs: 1 },
    ]);
    Object.assign(guest, { run: 'paused', reason: 'save-ended' });
    await world.look(uuid);
    expect(guest.run).toBe('running');
    expect(world.journal.state().machines[uuid]?.suspending).toBeUndefined();
  });

  it('is woken from a saved image, or booted where that is corrupt (D24)', async () => {
    const { world, uuid, guest, ref } = await sold(60, createWorld({ ...POLICY, suspendMode: 'save' }));
    await world.pass(uuid, 3 * MINUTE);
    expect(guest.saved).toBe('sound');
    guest.saved = 'corrupt';
    world.ledger.change(ref, nowUnix(world) + 100_000n);
    await world.pass(uuid, 10_000);
    expect(guest.run).toBe('running');
    expect(guest.boots).toBe(2);
  });
});

describe('the login right (D25)', () => {
  const BUYER = `0x${'b2'.repeat(20)}` as const;

  it('follows the NFT into the guest once the transfer is safe, and into the record', async () => {
    const { world, uuid, guest } = await sold(100_000);
    world.ledger.giveToken(70n, BUYER);
    await world.pass(uuid, 5000);
    expect(guest.gecos.get('customer')).toContain('a1a1');
    await world.pass(uuid, 15_000);
    expect(guest.gecos.get('customer')).toBe(`wallet=${BUYER},nft=70`);
    expect(await record(world)).toMatchObject({ ownerWallet: BUYER });
  });

  it('does not follow a token that is only reserved', async () => {
    const { world, uuid, guest } = await sold(100_000);
    await world.sell(8, 100_000);
    world.ledger.giveToken(8n, BUYER);
    const other = '00000000-0000-4000-8000-000000000008';
    await world.pass(other, 60_000);
    expect(world.hypervisor.guest(other)?.gecos.get('customer')).toContain('a1a1');
    expect(guest.gecos.get('customer')).toContain('a1a1');
    expect(uuid).not.toBe(other);
  });

  it('starts a machine whose owner changed while it was off without network, until GECOS is right', async () => {
    const { world, uuid, guest, ref } = await sold();
    await world.pass(uuid, 3 * MINUTE);
    world.ledger.giveToken(70n, BUYER);
    await world.pass(uuid, 15_000);
    world.ledger.change(ref, nowUnix(world) + 100_000n);
    while (guest.run !== 'running') await world.pass(uuid, 500, 500);
    const links = async () => {
      const domain = await world.hypervisor.look(uuid);
      return domain === 'absent' ? [] : domain.interfaces.map(({ linkUp }) => linkUp);
    };
    expect(await links()).toEqual([false]);
    await world.pass(uuid, 20_000);
    expect(guest.gecos.get('customer')).toBe(`wallet=${BUYER},nft=70`);
    expect(await links()).toEqual([true]);
  });

  const links = async (world: World, uuid: string): Promise<readonly boolean[]> => {
    const domain = await world.hypervisor.look(uuid);
    return domain === 'absent' ? [] : domain.interfaces.map(({ linkUp }) => linkUp);
  };

  it('starts without network already when the head alone names another owner: safe comes later', async () => {
    const { world, uuid, guest, ref } = await sold();
    await world.pass(uuid, 3 * MINUTE);
    world.ledger.giveToken(70n, BUYER);
    world.ledger.change(ref, nowUnix(world) + 100_000n);
    while (guest.run !== 'running') await world.pass(uuid, 500, 500);
    expect(await links(world, uuid)).toEqual([false]);
    await world.pass(uuid, 30_000);
    expect(guest.gecos.get('customer')).toContain(BUYER);
    expect(await links(world, uuid)).toEqual([true]);
  });

  it('keeps the link down while an owner is in doubt or unknown, and says so after a while', async () => {
    const { world, uuid, guest, ref } = await sold();
    guest.behaviour = { ...guest.behaviour, agent: 'none' };
    await world.pass(uuid, 3 * MINUTE);
    world.ledger.giveToken(70n, BUYER);
    await world.pass(uuid, 15_000);
    world.ledger.change(ref, nowUnix(world) + 100_000n);
    while (guest.run !== 'running') await world.pass(uuid, 500, 500);
    world.ledger.giveToken(70n, `0x${'c3'.repeat(20)}`);
    await world.pass(uuid, 5000);
    world.ledger.outage(true);
    await world.pass(uuid, 30_000);
    world.ledger.outage(false);
    await world.pass(uuid, 6 * MINUTE, 5000);
    expect(await links(world, uuid)).toEqual([false]);
    expect((await world.look(uuid))?.plan.report).toMatchObject({ level: 'error' });
  });

  it('raises the alarm when a running guest was sold and its agent stays silent', async () => {
    const { world, uuid, guest } = await sold(100_000);
    guest.behaviour = { ...guest.behaviour, agent: 'none' };
    guest.agentConnected = false;
    world.ledger.giveToken(70n, BUYER);
    await world.pass(uuid, 6 * MINUTE, 5000);
    expect((await world.look(uuid))?.plan.report?.what).toMatch(/former owner may still log in/);
  });

  it.each([
    ['runs', false],
    ['is off', true],
  ])(
    'a machine that %s is set again where a record says that its guest does not name the owner yet (D25)',
    async (_, off) => {
      const { world, uuid, guest, name } = await sold(100_000);
      const CUSTOMER = guest.gecos.get('customer');
      // Another program has seen the sale and written it down; the guest names the seller still.
      world.ledger.giveToken(70n, BUYER);
      await world.records.patch(name, { owner: BUYER, gecosSynced: false });
      if (off) world.hypervisor.crash(uuid);
      await world.pass(uuid, 4000, 1000);
      expect(guest.gecos.get('customer')).toBe(CUSTOMER);
      await world.pass(uuid, 3 * MINUTE, 2000);
      expect(guest).toMatchObject({ run: 'running', agentConnected: true });
      expect(guest.gecos.get('customer')).toContain(BUYER);
      expect(world.journal.state().machines[uuid]?.loginOwner).toBe(BUYER);
      expect((await record(world))?.gecosSynced).not.toBe(false);
    },
  );

  it('a sale that was taken back brings no later alarm forward: the doubt is counted anew (D25)', async () => {
    const { world, uuid, guest } = await sold(100_000);
    const since = () => world.journal.state().machines[uuid]?.newOwnerSinceUnixMs;
    guest.behaviour = { ...guest.behaviour, agent: 'none' };
    guest.agentConnected = false;
    world.ledger.giveToken(70n, BUYER);
    await world.pass(uuid, 2 * MINUTE, 5000);
    expect(since()).toBeDefined();
    world.ledger.outage(true);
    await world.pass(uuid, MINUTE, 5000);
    expect(since()).toBeDefined(); // nobody said that the doubt is over (L3)
    world.ledger.outage(false);
    world.ledger.giveToken(70n, OWNER);
    await world.pass(uuid, 2 * MINUTE, 5000);
    expect(since()).toBeUndefined();
    world.ledger.giveToken(70n, BUYER);
    await world.pass(uuid, 2 * MINUTE, 5000);
    expect((await world.look(uuid))?.plan.report).toBeUndefined();
    await world.pass(uuid, 4 * MINUTE, 5000);
    expect((await world.look(uuid))?.plan.report?.what).toMatch(/former owner may still log in/);
  });

  it('never changes on the word of one endpoint against another (C12)', async () => {
    const { world, uuid, guest } = await sold(100_000);
    world.ledger.liar(true);
    world.ledger.giveToken(70n, BUYER);
    await world.pass(uuid, 2 * MINUTE, 2000);
    expect(guest.gecos.get('customer')).toContain('a1a1');
    world.ledger.liar(false);
    await world.pass(uuid, 20_000);
    expect(guest.gecos.get('customer')).toContain(BUYER);
  });
});

describe('what a stranger found', () => {
  it('is not suspended on the word of one endpoint against another (C12)', async () => {
    const { world, uuid, guest } = await sold();
    world.ledger.liar(true);
    await world.pass(uuid, 5 * MINUTE, 2000);
    expect(guest.run).toBe('running');
    world.ledger.liar(false);
    await world.pass(uuid, MINUTE);
    expect(guest.run).toBe('off');
  });

  it('a machine that was suspended before it was known is started by a payment', async () => {
    const world = createWorld(POLICY);
    const { uuid, name, ref, guest } = await world.sell(9, -1000);
    await world.pass(uuid, 2 * MINUTE);
    expect(guest.run).toBe('off');
    // The journal is lost; libvirt has forgotten why it is off, and the record remembers.
    const fresh = createWorld(POLICY);
    fresh.ledger.buy(ref, `0x${'a1'.repeat(20)}`, nowUnix(fresh) - 1000n);
    fresh.hypervisor.create({ uuid, name, metadata: { schema: 1, uuid, subscription: ref } });
    await fresh.records.restore({
      name,
      ipAddress: '192.168.122.9',
      ipv6Address: '',
      owner: `0x${'a1'.repeat(20)}`,
      username: 'customer',
      createdAtUnix: 0n,
      expiresAtUnix: nowUnix(fresh) - 1000n,
      status: 'suspended',
      suspendedAtUnix: nowUnix(fresh) - 900n,
    });
    await fresh.pass(uuid, 20_000);
    expect(fresh.journal.state().machines[uuid]?.suspendedAtUnixMs).toBeDefined();
    fresh.ledger.change(ref, nowUnix(fresh) + 100_000n);
    await fresh.pass(uuid, 20_000);
    expect(fresh.hypervisor.guest(uuid)?.run).toBe('running');
  });

  it('a start that fails is tried again for as long as it takes, with an alarm (L8)', async () => {
    const { world, uuid } = await sold(100_000);
    const failure = {
      kind: 'outcome',
      uuid,
      step: 'start',
      ok: false,
      durationMs: 1,
      error: 'no storage',
      curable: true,
    } as const;
    for (let count = 0; count < 40; count += 1) await world.journal.append([failure]);
    world.hypervisor.crash(uuid);
    await world.pass(uuid, 10_000);
    expect((await world.look(uuid))?.plan).toMatchObject({ row: 'backing-off', report: { level: 'error' } });
    await world.pass(uuid, 6 * MINUTE, 2000);
    expect(world.hypervisor.guest(uuid)?.run).toBe('running');
  });

  it('a destroyed predecessor never closes the record of its successor', async () => {
    const { world, uuid, name } = await sold();
    await world.pass(uuid, GRACE_MS + QUARANTINE_MS + 10 * MINUTE, 5000);
    const seed = {
      name,
      ipAddress: '192.168.122.77',
      ipv6Address: '',
      owner: '0xnew',
      username: 'customer',
      expiresAtUnix: nowUnix(world) + 9999n,
      createdAtUnix: nowUnix(world),
      status: 'active',
    } as const;
    await world.records.restore(seed);
    await world.pass(uuid, MINUTE, 5000);
    expect(await record(world)).toMatchObject({ status: 'active', ipAddress: '192.168.122.77' });
  });
});
