import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HypervisorError } from '../../../src/domain/errors.ts';
import { createOperator } from '../../models/model-operator.ts';
import { createWorld, OWNER, type World } from '../../models/model-world.ts';

const NAME = 'blockhost-007';
const MINUTE = 60_000;

const sold = async (seconds = 100_000) => {
  const world = createWorld({ graceMs: 600_000, quarantineMs: 1_200_000 });
  const machine = await world.sell(7, seconds);
  return { world, op: createOperator(world), ...machine };
};
const ordered = (world: World) => world.events.filter(({ kind }) => kind === 'destroy-ordered');
const seed = (name: string, ipAddress = '') =>
  ({
    name,
    ipAddress,
    ipv6Address: '',
    owner: OWNER,
    username: 'u',
    expiresAtUnix: 9n,
    createdAtUnix: 0n,
    status: 'active',
  }) as const;

describe('destroy', () => {
  it('is immediate and total, paid for or not: nothing is kept (D14)', async () => {
    const { world, op, uuid } = await sold();
    const done = await op.destroy(NAME);
    expect(done).toMatchObject({ refused: undefined, said: ['blockhost-007 is destroyed'] });
    expect(await world.hypervisor.look(uuid)).toBe('absent');
    expect(world.quarantine.kept.size).toBe(0);
    expect([...world.quarantine.moved]).toContain(`/vms/${NAME}.qcow2`);
    expect(await world.records.read(NAME)).toMatchObject({ status: 'destroyed' });
    expect((await world.records.allocated()).ipv4).toEqual([]);
    expect(world.journal.state().machines[uuid]?.phase).toBe('gone');
  });

  it('writes down who ordered it, with which words, and what the chain said (D14)', async () => {
    const { world, op } = await sold();
    await op.destroy(NAME);
    expect(ordered(world)).toMatchObject([
      {
        by: 'op',
        argv: ['blockhost-vm-destroy', NAME],
        chain: expect.stringMatching(/^paid until 2027-.* at block \d+$/),
      },
    ]);
  });

  it('does not wait for a chain that is silent (D14)', async () => {
    const { world, op, uuid } = await sold();
    world.ledger.outage(true);
    expect((await op.destroy(NAME)).refused).toBeUndefined();
    expect(await world.hypervisor.look(uuid)).toBe('absent');
    expect(ordered(world)).toMatchObject([{ chain: 'unknown: no endpoint answers' }]);
  });

  it('may be repeated, also for what was never known (idempotent, contract)', async () => {
    const { world, op } = await sold();
    await op.destroy(NAME);
    const events = world.events.length;
    expect(await op.destroy(NAME)).toMatchObject({ refused: undefined, said: ['blockhost-007 is destroyed already'] });
    expect(await op.destroy('nobody')).toMatchObject({
      refused: undefined,
      said: ['nothing is known of nobody: there is nothing to destroy'],
    });
    expect(world.events.length).toBe(events);
  });

  it.each(['hold', 'protect'] as const)('is refused by %s alone (D14, L11)', async (kind) => {
    const { world, op, uuid, guest } = await sold();
    const untilUnixMs = world.clock.nowUnixMs() + MINUTE;
    await world.journal.append([{ kind, uuid, reason: 'court', by: 'ann', untilUnixMs }]);
    expect((await op.destroy(NAME)).refused).toMatch(/^blockhost-007 is (held|protected) by ann until .*: court$/);
    expect(guest.run).toBe('running');
    expect(ordered(world)).toEqual([]);
    await world.clock.advance(2 * MINUTE);
    expect((await op.destroy(NAME)).refused).toBeUndefined();
    expect(await world.hypervisor.look(uuid)).toBe('absent');
  });

  it.each([
    ['running', 0],
    ['suspended', 3 * MINUTE],
    ['in quarantine', 15 * MINUTE],
    ['purged', 60 * MINUTE],
  ])('ends in nothing, also for a machine that is %s', async (_state, ms) => {
    const { world, op, uuid } = await sold(60);
    await world.pass(uuid, ms, 5000);
    expect((await op.destroy(NAME)).refused).toBeUndefined();
    expect(await world.hypervisor.look(uuid)).toBe('absent');
    expect(world.quarantine.kept.size).toBe(0);
    expect(world.journal.state().machines[uuid]?.phase).toBe('gone');
    expect(await world.records.read(NAME)).toMatchObject({ status: 'destroyed' });
  });

  it('is not stopped by a payment that comes meanwhile; the payment is told loudly (D14, C11)', async () => {
    const { world, op, uuid, ref } = await sold(60);
    await world.pass(uuid, 3 * MINUTE);
    const moveIn = world.quarantine.moveIn;
    world.quarantine.moveIn = async (id) => {
      world.ledger.change(ref, BigInt(Math.floor(world.clock.nowUnixMs() / 1000)) + 100_000n);
      await moveIn(id);
    };
    expect((await op.destroy(NAME)).refused).toBeUndefined();
    await world.clock.advance(5000);
    const last = await world.look(uuid);
    expect(last?.plan).toMatchObject({ row: 'paid-but-gone', report: { level: 'error' } });
    expect(await world.hypervisor.look(uuid)).toBe('absent');
  });

  it('is finished by the daemon where it was cut off (L4)', async () => {
    const { world, op, uuid } = await sold();
    const undefine = world.hypervisor.undefine;
    world.hypervisor.undefine = async () => {
      throw new HypervisorError('libvirt went away', { code: 'gone', retryable: true });
    };
    expect((await op.destroy(NAME)).refused).toBe('libvirt went away');
    world.hypervisor.undefine = undefine;
    world.restart();
    await world.pass(uuid, MINUTE);
    expect(await world.hypervisor.look(uuid)).toBe('absent');
    expect(world.journal.state().machines[uuid]?.phase).toBe('gone');
    expect(world.quarantine.kept.size).toBe(0);
  });

  it('takes what the journal remembers of a machine whose domain somebody took away', async () => {
    const { world, op, uuid } = await sold();
    await world.look(uuid);
    await world.hypervisor.powerOff(uuid, 'forced');
    await world.hypervisor.undefine(uuid);
    await world.pass(uuid, MINUTE);
    expect((await op.destroy(NAME)).refused).toBeUndefined();
    expect([...world.quarantine.moved].sort()).toEqual([`/vms/${NAME}.qcow2`, `/vms/cloud-init/${NAME}`]);
    expect(world.quarantine.kept.size).toBe(0);
    expect(await world.records.read(NAME)).toMatchObject({ status: 'destroyed' });
    expect((await world.records.allocated()).ipv4).toEqual([]);
  });

  it('closes a record that nothing stands behind (Python’s machines)', async () => {
    const { world, op } = await sold();
    await world.records.restore(seed('blockhost-055', '192.168.122.55'));
    const done = await op.destroy('blockhost-055');
    expect(done.refused).toBeUndefined();
    expect(await world.records.read('blockhost-055')).toMatchObject({ status: 'destroyed' });
    expect((await world.records.allocated()).ipv4).toEqual(['192.168.122.7']);
  });

  it('destroys a machine of the record alone, chain silent or not (D14)', async () => {
    const { world, op } = await sold();
    const uuid = '00000000-0000-4000-8000-000000000055';
    world.hypervisor.create({ uuid, name: 'blockhost-055', disks: ['/vms/blockhost-055.qcow2'] });
    await world.records.restore(seed('blockhost-055', '192.168.122.55'));
    world.ledger.outage(true);
    expect((await op.destroy('blockhost-055')).refused).toBeUndefined();
    expect(await world.hypervisor.look(uuid)).toBe('absent');
    expect([...world.quarantine.moved]).toContain('/vms/blockhost-055.qcow2');
    expect(await world.records.read('blockhost-055')).toMatchObject({ status: 'destroyed' });
  });

  it('takes the host route of its IPv6 address away, and none that another machine has (D27)', async () => {
    const { world, op, uuid } = await sold();
    const memory = world.journal.state().machines[uuid];
    if (memory === undefined) throw new Error('not known');
    const details = { ...memory.details, ipv6Address: '2001:db8::7' };
    await world.journal.append([{ kind: 'details-changed', uuid, details }]);
    world.routes.add('2001:db8::7').add('2001:db8::8');
    await op.destroy(NAME);
    expect([...world.routes]).toEqual(['2001:db8::8']);
  });

  it('kills a qemu that hangs', async () => {
    const { world, op, uuid, guest } = await sold();
    guest.behaviour = { ...guest.behaviour, stuck: true };
    expect((await op.destroy(NAME)).refused).toBeUndefined();
    expect(await world.hypervisor.look(uuid)).toBe('absent');
  });

  it('never touches another machine’s files, whatever they share (property)', async () => {
    const name = fc.constantFrom('blockhost-001', 'blockhost-002', 'blockhost-003', 'a', 'a.b');
    const path = fc.constantFrom(
      '/vms/blockhost-001.qcow2',
      '/vms/blockhost-002.qcow2',
      '/vms/cloud-init/blockhost-001/seed.iso',
      '/vms/cloud-init/a/seed.iso',
      '/vms/shared.iso',
      '/elsewhere/own.qcow2',
    );
    const machine = fc.record({
      name,
      disks: fc.uniqueArray(path, { maxLength: 3 }),
      seeds: fc.uniqueArray(path, { maxLength: 2 }),
      ours: fc.boolean(),
      missing: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(machine, { minLength: 2, maxLength: 4, selector: (one) => one.name }),
        async (machines) => {
          const world = createWorld();
          for (const [index, { name, disks, seeds, ours, missing }] of machines.entries()) {
            const uuid = `00000000-0000-4000-8000-00000000000${index}`;
            world.hypervisor.create({ uuid, name, disks, seeds, ...(ours ? { metadata: { schema: 1, uuid } } : {}) });
            await world.look(uuid);
            if (missing && ours && index > 0) await world.hypervisor.undefine(uuid);
          }
          const [first] = machines;
          if (first === undefined) return;
          await createOperator(world).destroy(first.name);
          const others = machines.slice(1).filter(({ ours, missing }) => ours || !missing);
          const theirs = others.flatMap((one) => [...one.disks, ...one.seeds, `/vms/cloud-init/${one.name}/x`]);
          for (const moved of world.quarantine.moved) {
            expect(theirs.filter((file) => file === moved || file.startsWith(`${moved}/`))).toEqual([]);
            expect(moved.startsWith('/vms/')).toBe(true);
          }
          if (!first.ours) expect(world.quarantine.moved.size).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });
});
