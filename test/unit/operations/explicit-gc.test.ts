import { describe, expect, it } from 'vitest';
import { countLine } from '../../../src/operations/explicit/gc.ts';
import { createOperator } from '../../models/model-operator.ts';
import { createWorld, type World } from '../../models/model-world.ts';

const MINUTE = 60_000;
const GRACE_MS = 600_000;

const host = (policy: Parameters<typeof createWorld>[0] = {}, endpoints = 2) => {
  const world = createWorld({ graceMs: GRACE_MS, quarantineMs: 2 * GRACE_MS, ...policy }, endpoints);
  return { world, op: createOperator(world) };
};
const called = (world: World, what: string): number =>
  world.hypervisor.calls.filter((call) => call.what.startsWith(what)).length;
const nowUnix = (world: World): bigint => BigInt(Math.floor(world.clock.nowUnixMs() / 1000));

describe('gc', () => {
  it('prints the contract’s words: one candidate, several candidates, no candidates', () => {
    expect([0, 1, 3].map((count) => countLine('Suspend', count))).toEqual([
      'Suspend: 0 candidates',
      'Suspend: 1 candidate',
      'Suspend: 3 candidates',
    ]);
    expect(countLine('Destroy', 1)).toBe('Destroy: 1 candidate');
  });

  it('tells without --execute, and changes nothing at all', async () => {
    const { world, op } = host();
    for (const [id, seconds] of [
      [1, 60],
      [2, 60],
      [3, 100_000],
    ] as const)
      await world.sell(id, seconds);
    await world.clock.advance(3 * MINUTE);
    const events = world.events.length;
    const done = await op.gc();
    expect(done).toMatchObject({ refused: undefined, said: ['Suspend: 2 candidates', 'Destroy: 0 candidates'] });
    expect(world.events.length).toBe(events);
    expect(called(world, 'ask to shut down')).toBe(0);
  });

  it('suspends with --execute, to the end, and leaves the paid alone', async () => {
    const { world, op } = host();
    const [due, paid] = [await world.sell(1, 60), await world.sell(2, 100_000)];
    await world.clock.advance(3 * MINUTE);
    const done = await op.gc({ execute: true });
    expect(done.said).toEqual(['Suspend: 1 candidate', 'Destroy: 0 candidates']);
    expect(due.guest.run).toBe('off');
    expect(paid.guest.run).toBe('running');
    expect(await world.records.read('blockhost-001')).toMatchObject({ status: 'suspended' });
    expect(await world.records.read('blockhost-002')).toMatchObject({ status: 'active' });
  });

  it('escalates a deaf guest within its run', async () => {
    const { world, op } = host();
    const { guest } = await world.sell(1, 60);
    guest.behaviour = { ...guest.behaviour, acpi: 'ignores', agent: 'none', stuck: true };
    await world.clock.advance(3 * MINUTE);
    expect((await op.gc({ execute: true })).refused).toBeUndefined();
    expect(guest.run).toBe('off');
    expect(await world.records.read('blockhost-001')).toMatchObject({ status: 'suspended' });
  });

  it('never destroys in the same run what it suspended in it, however short the grace', async () => {
    const { world, op } = host();
    const { uuid } = await world.sell(1, 60);
    await world.clock.advance(60 * MINUTE);
    const first = createOperator(world);
    Object.assign(world.deps, { policy: { ...world.deps.policy, graceMs: 0 } });
    await first.gc({ execute: true });
    expect(await world.hypervisor.look(uuid)).not.toBe('absent');
    expect(await world.records.read('blockhost-001')).toMatchObject({ status: 'suspended' });
    await world.clock.advance(2 * MINUTE);
    expect((await op.gc({ execute: true })).said).toEqual(['Suspend: 0 candidates', 'Destroy: 1 candidate']);
    expect(await world.hypervisor.look(uuid)).toBe('absent');
    expect(await world.records.read('blockhost-001')).toMatchObject({ status: 'destroyed' });
  });

  it('destroys into quarantine, out of which a late payment brings it back (D21)', async () => {
    const { world, op } = host();
    const { uuid, ref } = await world.sell(1, 60);
    await world.pass(uuid, 3 * MINUTE);
    await world.clock.advance(GRACE_MS + 2 * MINUTE);
    await op.gc({ execute: true });
    expect(world.journal.state().machines[uuid]?.phase).toBe('quarantined');
    world.ledger.change(ref, nowUnix(world) + 100_000n);
    await world.pass(uuid, 10_000);
    expect(world.hypervisor.guest(uuid)?.run).toBe('running');
  });

  it.each([
    ['--suspend-only', { destroy: false }, ['Suspend: 1 candidate'], 'off', true],
    ['--destroy-only', { suspend: false }, ['Destroy: 1 candidate'], 'running', false],
  ] as const)('does one phase alone with %s', async (_flag, options, said, run, there) => {
    const { world, op } = host();
    const old = await world.sell(2, 60);
    await world.pass(old.uuid, 3 * MINUTE);
    await world.clock.advance(GRACE_MS + 2 * MINUTE);
    const due = await world.sell(1, 60);
    await world.clock.advance(3 * MINUTE);
    const done = await op.gc({ execute: true, ...options });
    expect(done.said).toEqual(said);
    expect(due.guest.run).toBe(run);
    expect((await world.hypervisor.look(old.uuid)) !== 'absent').toBe(there);
  });

  it('lists what waits for a second witness, and the first one counts for daemon and gc alike (D22)', async () => {
    const { world, op } = host({}, 1);
    const { uuid } = await world.sell(1, 60);
    await world.pass(uuid, 3 * MINUTE);
    await world.clock.advance(GRACE_MS + 2 * MINUTE);
    const first = await op.gc({ execute: true });
    expect(first).toMatchObject({
      refused: undefined,
      said: ['Suspend: 0 candidates', 'Destroy: 0 candidates', 'Waiting: 1 (a second witness of the chain)'],
    });
    expect(world.journal.state().machines[uuid]?.witnesses).toHaveLength(1);
    await world.clock.advance(11 * MINUTE);
    expect((await op.gc({ execute: true })).said).toEqual(['Suspend: 0 candidates', 'Destroy: 1 candidate']);
    expect(await world.hypervisor.look(uuid)).toBe('absent');
  });

  it('harms nobody while the chain is silent, and says how many wait for it (L3)', async () => {
    const { world, op } = host();
    const running = await world.sell(1, 60);
    const old = await world.sell(2, 60);
    await world.pass(old.uuid, 3 * MINUTE);
    await world.clock.advance(GRACE_MS + 2 * MINUTE);
    world.ledger.outage(true);
    const done = await op.gc({ execute: true });
    expect(done).toMatchObject({
      refused: undefined,
      said: ['Suspend: 0 candidates', 'Destroy: 0 candidates', 'Waiting: 2 (the chain, or the record, does not say)'],
    });
    expect(running.guest.run).toBe('running');
    expect(await world.hypervisor.look(old.uuid)).not.toBe('absent');
  });

  it('does nothing while what has to be seen first was not (L6)', async () => {
    const { world, op } = host();
    const { guest } = await world.sell(1, 60);
    await world.clock.advance(3 * MINUTE);
    world.gate.push('the chain');
    expect((await op.gc({ execute: true })).said).toContain('Waiting: 1 (not everything could be seen)');
    expect(guest.run).toBe('running');
  });

  it('is held back by hold and protect (L11)', async () => {
    const { world, op } = host();
    const [held, safe] = [await world.sell(1, 60), await world.sell(2, 60)];
    await world.clock.advance(3 * MINUTE);
    const untilUnixMs = world.clock.nowUnixMs() + 60 * MINUTE;
    await world.journal.append([
      { kind: 'hold', uuid: held.uuid, reason: 'x', by: 'ann', untilUnixMs },
      { kind: 'protect', uuid: safe.uuid, reason: 'x', by: 'ann' },
    ]);
    const done = await op.gc({ execute: true });
    expect(done.said).toEqual([
      'Suspend: 0 candidates',
      'Destroy: 0 candidates',
      'Waiting: 1 (held)',
      'Waiting: 1 (protected)',
    ]);
    expect([held.guest.run, safe.guest.run]).toEqual(['running', 'running']);
  });

  it('foresees the breaker as it would trip, trips it for the daemon as well, and stops there (L10, D28)', async () => {
    const breaker = {
      suspend: { count: 3, share: 0.1, windowMs: 10 * MINUTE },
      destroy: { count: 5, share: 0.2, windowMs: 60 * MINUTE },
    };
    const { world, op } = host({ breaker });
    const guests = [];
    for (let id = 1; id <= 8; id += 1) guests.push((await world.sell(id, 120)).guest);
    await world.clock.advance(5 * MINUTE);
    const foreseen = await op.gc();
    expect(foreseen.said.slice(0, 2)).toEqual(['Suspend: 3 candidates', 'Destroy: 0 candidates']);
    expect(world.journal.state().breaker.suspend).toBeUndefined();
    const done = await op.gc({ execute: true });
    expect(done.said).toEqual(foreseen.said);
    expect(guests.filter(({ run }) => run === 'off')).toHaveLength(3);
    expect(world.journal.state().breaker.suspend).toBeDefined();
  });

  it('gives back what it took when a payment comes in the middle of its run', async () => {
    const { world, op } = host();
    const { guest, ref } = await world.sell(1, 60);
    guest.behaviour = { ...guest.behaviour, shutdownMs: 8000 };
    await world.clock.advance(3 * MINUTE);
    const running = op.gc({ execute: true });
    await world.clock.advance(2000);
    world.ledger.change(ref, nowUnix(world) + 100_000n);
    await running;
    expect(guest.run).toBe('running');
    expect(await world.records.read('blockhost-001')).toMatchObject({ status: 'active' });
  });

  it('starts nobody else: kindness to machines it did not touch is the daemon’s', async () => {
    const { world, op } = host();
    const { uuid, guest } = await world.sell(1, 100_000);
    world.hypervisor.crash(uuid);
    await world.clock.advance(MINUTE);
    await op.gc({ execute: true });
    expect(guest.run).not.toBe('running');
  });

  it('works beside a daemon that looks at the same machines', async () => {
    const { world, op } = host();
    const { uuid, guest } = await world.sell(1, 60);
    guest.behaviour = { ...guest.behaviour, shutdownMs: 8000 };
    await world.clock.advance(3 * MINUTE);
    let looking = true;
    const daemon = (async () => {
      while (looking) {
        await world.look(uuid);
        await world.clock.sleep(700);
      }
    })();
    expect((await op.gc({ execute: true })).refused).toBeUndefined();
    looking = false;
    await world.clock.advance(700);
    await daemon;
    expect(guest.run).toBe('off');
    expect(await world.records.read('blockhost-001')).toMatchObject({ status: 'suspended' });
  });

  it('finds machines of the Python provisioner that nobody has adopted yet (D10)', async () => {
    const { world, op } = host();
    const ref = { chainId: 31337, contract: `0x${'cc'.repeat(20)}`, subscriptionId: 4n } as const;
    const past = nowUnix(world) - 100n;
    world.ledger.buy(ref, `0x${'a1'.repeat(20)}`, past);
    const id = '00000000-0000-4000-8000-000000000004';
    const theirs = world.hypervisor.create({ uuid: id, name: 'blockhost-004', disks: ['/vms/blockhost-004.qcow2'] });
    await world.records.restore({
      name: 'blockhost-004',
      ipAddress: '',
      ipv6Address: '',
      owner: '0x1',
      username: 'u',
      expiresAtUnix: past,
      createdAtUnix: 0n,
      status: 'active',
    });
    await world.hypervisor.start(id);
    const done = await op.gc({ execute: true });
    expect(done.said[0]).toBe('Suspend: 1 candidate');
    expect(theirs.run).toBe('off');
  });
});
