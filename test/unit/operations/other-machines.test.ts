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

  const PLACES = [DISK, '/vms/cloud-init/blockhost-007'].sort();
  const NEIGHBOUR = '/vms/neighbour.qcow2';
  const neighbour = (world: World, disk = NEIGHBOUR, seeds: readonly string[] = []) =>
    world.hypervisor.create({ uuid: OTHER, name: 'its-neighbour', disks: [disk], seeds });
  const phase = (world: World, uuid: string) => world.journal.state().machines[uuid]?.phase;

  it('leaves its disk to a machine whose disk stands on it, however deep (D21)', async () => {
    const world = createWorld(POLICY);
    const { uuid } = await world.sell(7, 60);
    neighbour(world);
    world.hypervisor.backing.set(NEIGHBOUR, '/vms/between.qcow2');
    world.hypervisor.backing.set('/vms/between.qcow2', DISK);
    await untilDestroyed(world, uuid);
    expect(await world.hypervisor.look(uuid)).toBe('absent');
    expect([...world.quarantine.moved]).toEqual(['/vms/cloud-init/blockhost-007']);
  });

  it('leaves a cloud-init directory of which another machine reads a file', async () => {
    const world = createWorld(POLICY);
    const { uuid } = await world.sell(7, 60);
    neighbour(world, NEIGHBOUR, ['/vms/cloud-init/blockhost-007/seed.iso']);
    await untilDestroyed(world, uuid);
    expect([...world.quarantine.moved]).toEqual([DISK]);
  });

  it('never takes the backing file of its own disk with it', async () => {
    const world = createWorld(POLICY);
    const { uuid } = await world.sell(7, 60);
    world.hypervisor.backing.set(DISK, '/vms/debian.qcow2');
    await untilDestroyed(world, uuid);
    expect([...world.quarantine.moved].sort()).toEqual(PLACES);
    expect(world.quarantine.kept.get(uuid)?.needs).toEqual(['/vms/debian.qcow2']);
  });

  it('takes its NVRAM with it where that is below our directories, and so brings it back (D21)', async () => {
    const world = createWorld(POLICY);
    const { uuid, guest } = await world.sell(7, 60);
    guest.xml = guest.xml.replace('</os>', '<nvram>/vms/blockhost-007_VARS.fd</nvram></os>');
    await untilDestroyed(world, uuid);
    expect([...world.quarantine.moved].sort()).toEqual([...PLACES, '/vms/blockhost-007_VARS.fd'].sort());
  });

  it('leaves what a machine in quarantine needs to come back: what it stands on, and what it shared (C11)', async () => {
    const world = createWorld({ ...POLICY, quarantineMs: 100 * MINUTE });
    const first = await world.sell(7, 60);
    const second = await world.sell(8, 40 * 60);
    world.hypervisor.backing.set(DISK, '/vms/blockhost-008.qcow2');
    await untilDestroyed(world, first.uuid);
    expect([...world.quarantine.moved].sort()).toEqual(PLACES);
    await world.clock.advance(30 * MINUTE);
    await untilDestroyed(world, second.uuid);
    expect(phase(world, second.uuid)).toBe('quarantined');
    expect([...world.quarantine.moved]).not.toContain('/vms/blockhost-008.qcow2');
  });

  it('leaves a file in its place that the dossier of a machine in quarantine names', async () => {
    const world = createWorld(POLICY);
    const { uuid } = await world.sell(7, 60);
    await world.journal.append([known(OTHER, 'kept'), { kind: 'quarantined', uuid: OTHER, untilUnixMs: 9e15 }]);
    await world.quarantine.keep({ uuid: OTHER, name: 'kept', definition: '<domain/>', files: [DISK], needs: [] });
    await untilDestroyed(world, uuid);
    expect([...world.quarantine.moved]).toEqual(['/vms/cloud-init/blockhost-007']);
  });

  it('is left whole while nobody can say what another machine’s disk stands on, and goes once somebody can (L3)', async () => {
    const world = createWorld(POLICY);
    const { uuid } = await world.sell(7, 60);
    neighbour(world);
    world.hypervisor.unreadable.add(NEIGHBOUR);
    await untilDestroyed(world, uuid);
    expect(await world.hypervisor.look(uuid)).not.toBe('absent');
    expect([...world.quarantine.moved]).toEqual([]);
    expect(world.journal.state().machines[uuid]?.failures.destroy).toMatchObject({ curable: true });
    world.hypervisor.unreadable.clear();
    await world.pass(uuid, 10 * MINUTE, 10_000);
    expect(await world.hypervisor.look(uuid)).toBe('absent');
    expect([...world.quarantine.moved].sort()).toEqual(PLACES);
  });

  it('is not purged while another machine’s disk stands on its own, or that is unknown', async () => {
    const world = createWorld(POLICY);
    const { uuid } = await world.sell(7, 60);
    await untilDestroyed(world, uuid);
    neighbour(world);
    world.hypervisor.backing.set(NEIGHBOUR, DISK);
    await world.pass(uuid, POLICY.quarantineMs + 2 * MINUTE, 10_000);
    expect(phase(world, uuid)).toBe('quarantined');
    expect(world.quarantine.kept.has(uuid)).toBe(true);
    world.hypervisor.unreadable.add(NEIGHBOUR);
    await world.pass(uuid, 10 * MINUTE, 10_000);
    expect(phase(world, uuid)).toBe('quarantined');
    world.hypervisor.unreadable.clear();
    world.hypervisor.backing.clear();
    await world.pass(uuid, 10 * MINUTE, 10_000);
    expect(phase(world, uuid)).toBe('gone');
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
