import { describe, expect, it } from 'vitest';
import type { JournalEvent } from '../../../src/domain/journal/event.ts';
import { createWorld, OWNER } from '../../models/model-world.ts';

const POLICY = { graceMs: 60_000, quarantineMs: 3_600_000 };

const quarantined = async () => {
  const world = createWorld(POLICY);
  const machine = await world.sell(7, 30);
  await world.pass(machine.uuid, 300_000, 5000);
  expect(world.journal.state().machines[machine.uuid]?.phase).toBe('quarantined');
  const pay = (): void =>
    world.ledger.change(machine.ref, BigInt(Math.floor(world.clock.nowUnixMs() / 1000)) + 1_000_000n);
  const restored = async () => {
    pay();
    await world.pass(machine.uuid, 20_000, 5000);
    return world.journal.state().machines[machine.uuid];
  };
  return { world, ...machine, restored };
};

const begun = (uuid: string, name: string, ipAddress: string): JournalEvent => ({
  kind: 'create-begun',
  uuid,
  name,
  machineClass: { kind: 'record-only' },
  details: {
    ipAddress,
    ipv6Address: '',
    owner: OWNER,
    username: 'user',
    createdAtUnix: 5n,
    nftTokenId: 9n,
    nftMinted: false,
    disks: [],
    seeds: [],
  },
  by: 'tester',
});
const UUID = '11111111-0000-4000-8000-000000000001';

describe('an undo of a create that was broken off', () => {
  it('leaves the files alone that another machine has in its places', async () => {
    const world = createWorld();
    const disk = '/vms/testbox.qcow2';
    world.builder.files.set(disk, 'theirs');
    await world.journal.append([begun(UUID, 'testbox', '192.168.122.9')]);
    world.hypervisor.create({ uuid: '22222222-0000-4000-8000-000000000002', name: 'renamed', disks: [disk] });
    await world.look(UUID);
    expect(world.journal.state().machines[UUID]).toBeUndefined();
    expect(world.builder.files.get(disk)).toBe('theirs');
  });

  it('stops before a domain that does not bear our mark', async () => {
    const world = createWorld();
    await world.journal.append([begun(UUID, 'testbox', '192.168.122.9')]);
    world.hypervisor.create({ uuid: UUID, name: 'testbox', disks: [] });
    await world.look(UUID);
    expect(world.hypervisor.guest(UUID)).toBeDefined();
    expect(world.journal.state().machines[UUID]).toMatchObject({ failures: { 'undo-create': { curable: false } } });
  });
});

describe('a machine that is to come back out of quarantine (D21)', () => {
  it('waits where a create has its address, and comes back once that is undone', async () => {
    const { world, uuid, restored } = await quarantined();
    await world.journal.append([begun(UUID, 'testbox', '192.168.122.7')]);
    const memory = await restored();
    expect(memory).toMatchObject({ phase: 'restoring', failures: { restore: { message: /testbox has the address/ } } });
    expect(world.hypervisor.guest(uuid)).toBeUndefined();
  });

  it('waits while a create of its own name is not committed: its disk is not that one’s to undo', async () => {
    const { world, uuid, name, restored } = await quarantined();
    await world.journal.append([begun(UUID, name, '192.168.122.9')]);
    expect(await restored()).toMatchObject({ phase: 'restoring', failures: { restore: { curable: true } } });
    await world.look(UUID);
    expect(world.journal.state().machines[UUID]).toBeUndefined();
    await world.pass(uuid, 60_000, 5000);
    expect(world.hypervisor.guest(uuid)?.run).toBe('running');
  });

  it('is refused where a live record of another machine has its address', async () => {
    const { world, uuid, restored } = await quarantined();
    await world.records.restore({
      name: 'theirs',
      ipAddress: '192.168.122.7',
      ipv6Address: '',
      owner: OWNER,
      username: 'user',
      expiresAtUnix: 2_000_000_000n,
      createdAtUnix: 1n,
      status: 'active',
    });
    expect(await restored()).toMatchObject({ failures: { restore: { curable: false } } });
    expect(world.hypervisor.guest(uuid)).toBeUndefined();
  });
});
