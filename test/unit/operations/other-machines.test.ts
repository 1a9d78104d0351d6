import { describe, expect, it } from 'vitest';
import { subscriptionKey } from '../../../src/domain/identity.ts';
import type { JournalEvent } from '../../../src/domain/journal/event.ts';
import { createFleet } from '../../../src/operations/fleet.ts';
import { CONTRACT, refOf } from '../../models/model-ledger.ts';
import { createWorld, OWNER, type World } from '../../models/model-world.ts';

const POLICY = { graceMs: 600_000, quarantineMs: 1_200_000 };
const MINUTE = 60_000;
const DISK = '/vms/blockhost-007.qcow2';

const details = (change: object = {}) => ({
  ipAddress: '',
  ipv6Address: '',
  owner: OWNER as string,
  username: 'customer',
  createdAtUnix: 0n,
  nftMinted: false,
  disks: [],
  seeds: [],
  ...change,
});
const known = (uuid: string, name: string, change: object = {}, subscriptionId?: bigint): JournalEvent => ({
  kind: 'machine-known',
  uuid,
  name,
  machineClass:
    subscriptionId === undefined
      ? { kind: 'record-only' }
      : { kind: 'bound', subscription: { ...refOf(subscriptionId), contract: CONTRACT } },
  details: details(change),
  how: 'test',
});
const OTHER = '00000000-0000-4000-8000-0000000000ff';

const untilDestroyed = async (world: World, uuid: string): Promise<void> => {
  await world.pass(uuid, 3 * MINUTE, 5000);
  await world.clock.advance(POLICY.graceMs);
  await world.pass(uuid, 2 * MINUTE, 10_000);
};

describe('a machine that is destroyed', () => {
  it('leaves no address in the lists though they, and its record, were wrong when it was (D21)', async () => {
    const world = createWorld(POLICY);
    const { uuid, name } = await world.sell(7, 60);
    await world.pass(uuid, 3 * MINUTE, 5000);
    await world.clock.advance(POLICY.graceMs + MINUTE);
    await world.records.releaseAddresses('192.168.122.7', '');
    await world.records.patch(name, { status: 'active', suspendedAtUnix: null });
    await world.pass(uuid, MINUTE, 10_000);
    expect(await world.hypervisor.look(uuid)).toBe('absent');
    expect(await world.records.read(name)).toMatchObject({ status: 'destroyed' });
    expect((await world.records.allocated()).ipv4).toEqual([]);
    expect(world.log.lines.filter(({ message }) => message === 'upkeep failed')).toEqual([]);
  });

  it('does not free an address that a living machine has, too', async () => {
    const world = createWorld(POLICY);
    const { uuid } = await world.sell(7, 60);
    await world.journal.append([known(OTHER, 'blockhost-200', { ipAddress: '192.168.122.7' })]);
    await untilDestroyed(world, uuid);
    expect(await world.hypervisor.look(uuid)).toBe('absent');
    expect((await world.records.allocated()).ipv4).toEqual(['192.168.122.7']);
  });

  it('leaves the disk and the ISO that another machine is using where they are', async () => {
    const world = createWorld(POLICY);
    const { uuid, guest } = await world.sell(7, 60);
    guest.xml = guest.xml.replace(
      '</devices>',
      `<disk type='file' device='cdrom'><source file='/vms/shared.iso'/><readonly/></disk></devices>`,
    );
    world.hypervisor.create({
      uuid: OTHER,
      name: 'its-neighbour',
      disks: ['/vms/neighbour.qcow2'],
      seeds: ['/vms/shared.iso'],
    });
    await untilDestroyed(world, uuid);
    expect(await world.hypervisor.look(uuid)).toBe('absent');
    expect([...world.quarantine.moved].sort()).toEqual([DISK, '/vms/cloud-init/blockhost-007'].sort());
  });

  it.each(['..', '.', 'a/../../b'])(
    'never takes more than its own files: a machine called %j has no cloud-init directory',
    async (name) => {
      const world = createWorld(POLICY);
      const { uuid } = await world.sell(7, 60);
      const memory = world.journal.state().machines[uuid];
      if (!memory) throw new Error('not known');
      await world.journal.append([known(uuid, name, memory.details)]);
      Object.assign(world.deps, { cloudInitDirectory: () => '/vms/cloud-init' });
      await untilDestroyed(world, uuid);
      expect([...world.quarantine.moved]).toEqual(world.hypervisor.guest(uuid) ? [] : [DISK]);
    },
  );
});

describe('the fleet', () => {
  it('gives a subscription’s living machine, not one that was purged before it (C11)', async () => {
    const world = createWorld();
    const fleet = createFleet(world.deps);
    await world.journal.append([
      known('old', 'blockhost-007', {}, 7n),
      { kind: 'purged', uuid: 'old' },
      known('new', 'blockhost-007', {}, 7n),
    ]);
    expect(fleet.boundTo(subscriptionKey(refOf(7n)))).toBe('new');
    await world.journal.append([{ kind: 'purged', uuid: 'new' }]);
    expect(fleet.boundTo(subscriptionKey(refOf(7n)))).toBeDefined();
    expect(fleet.boundTo(subscriptionKey(refOf(8n)))).toBeUndefined();
  });

  it('finds a machine by the name of its domain first, then by what the journal remembers, the living before the dead', async () => {
    const world = createWorld();
    const fleet = createFleet(world.deps);
    await world.journal.append([known('dead', 'a', {}), { kind: 'purged', uuid: 'dead' }, known('kept', 'a')]);
    expect(fleet.uuidOf('a')).toBe('kept');
    world.hypervisor.create({ uuid: OTHER, name: 'a' });
    expect([...(await fleet.survey())].sort()).toEqual([OTHER, 'dead', 'kept'].sort());
    expect(fleet.uuidOf('a')).toBe(OTHER);
    expect(fleet.nameOf(OTHER)).toBe('a');
    await world.hypervisor.undefine(OTHER);
    await fleet.survey();
    expect(fleet.uuidOf('a')).toBe('kept');
    expect(fleet.uuidOf('nobody')).toBeUndefined();
  });

  it('follows a rename', async () => {
    const world = createWorld();
    const fleet = createFleet(world.deps);
    const guest = world.hypervisor.create({ uuid: OTHER, name: 'before' });
    await fleet.survey();
    guest.xml = guest.xml.replace('>before<', '>after<');
    const domain = await world.hypervisor.look(OTHER);
    fleet.noteDomain(OTHER, domain);
    expect([fleet.uuidOf('after'), fleet.uuidOf('before'), fleet.nameOf(OTHER)]).toEqual([OTHER, undefined, 'after']);
  });

  it('remembers since when a domain has been absent, until it is there again (D13)', async () => {
    const world = createWorld();
    const fleet = createFleet(world.deps);
    const since = world.clock.nowUnixMs();
    expect(fleet.noteDomain(OTHER, 'absent')).toBe(since);
    await world.clock.advance(5000);
    expect(fleet.noteDomain(OTHER, 'absent')).toBe(since);
    world.hypervisor.create({ uuid: OTHER, name: 'a' });
    expect(fleet.noteDomain(OTHER, await world.hypervisor.look(OTHER))).toBeUndefined();
    expect(fleet.noteDomain(OTHER, 'absent')).toBe(world.clock.nowUnixMs());
  });
});
