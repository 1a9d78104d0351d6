import { describe, expect, it } from 'vitest';
import { createMachine } from '../../../src/operations/create/create.ts';
import { debianPrograms } from '../../../src/simulator/models/model-guest.ts';
import { createCreateWorld, requestFor } from '../../models/model-create.ts';
import { OWNER } from '../../models/model-world.ts';
import { daemon } from '../../models/mortal.ts';

const POLICY = { graceMs: 60_000, quarantineMs: 3_600_000 };
const NAME = 'blockhost-007';
const OLD = { ipAddress: '192.168.122.2', ipv6Address: '2001:db8::3' };

/** A machine that a create made, that was not paid for and lies in quarantine. */
const quarantined = async () => {
  const world = createCreateWorld(POLICY);
  const ref = world.buy(7, 30);
  await createMachine(world.deps, requestFor(NAME));
  const [machine] = Object.values(world.journal.state().machines);
  if (machine === undefined) throw new Error('nothing was made');
  const { uuid } = machine;
  expect(machine.details).toMatchObject(OLD);
  await world.pass(uuid, 300_000, 5000);
  expect(world.journal.state().machines[uuid]?.phase).toBe('quarantined');
  return {
    world,
    uuid,
    memory: () => world.journal.state().machines[uuid],
    pay: () => world.ledger.change(ref, BigInt(Math.floor(world.clock.nowUnixMs() / 1000)) + 1_000_000n),
    /** Another machine's record, as another program may write one. */
    give: (addresses: Partial<typeof OLD>, name = 'theirs') =>
      world.records.restore({
        name,
        ipAddress: '',
        ipv6Address: '',
        ...addresses,
        owner: OWNER,
        username: 'user',
        expiresAtUnix: 2_000_000_000n,
        createdAtUnix: 1n,
        status: 'active',
      }),
    seed: () => world.builder.seeds.get(NAME),
    domain: async () => (await world.hypervisor.list()).find((each) => each.uuid === uuid),
    readdressed: () => world.events.filter(({ kind }) => kind === 'readdressed'),
  };
};
type Scene = Awaited<ReturnType<typeof quarantined>>;

/** All of the machine is at these addresses, and nothing of it at others. */
const expectAt = async ({ world, memory, domain, seed }: Scene, at: typeof OLD): Promise<void> => {
  expect(memory()).toMatchObject({ phase: 'present', details: at });
  expect(await domain()).toMatchObject({
    run: 'running',
    disks: [`/vms/${NAME}.qcow2`],
    metadata: { made: { ipv4: at.ipAddress, ipv6: at.ipv6Address } },
  });
  expect(await world.records.read(NAME)).toMatchObject({ status: 'active', ...at });
  const lists = await world.records.allocated();
  expect(lists.ipv4).toContain(at.ipAddress);
  expect(lists.ipv6).toContain(at.ipv6Address);
  expect(world.routes).toContain(at.ipv6Address);
  if (at.ipAddress !== OLD.ipAddress) expect(seed()?.networkConfig).toBe(`${at.ipAddress} ${at.ipv6Address}`);
};

describe('a machine whose address was given away while it lay in quarantine (D21)', () => {
  it('comes back at another address with the same disk, to its guest the same instance', async () => {
    const scene = await quarantined();
    const { world, uuid, give, pay, seed } = scene;
    const before = seed();
    await give(OLD);
    pay();
    await world.pass(uuid, 20_000, 5000);
    await expectAt(scene, { ipAddress: '192.168.122.3', ipv6Address: '2001:db8::4' });
    expect(seed()).toMatchObject({ metaData: `instance-id: ${uuid}`, userData: before?.userData });
    expect((await world.records.allocated()).ipv4).toContain(OLD.ipAddress);
    const told = world.log.lines.filter(({ message }) => message.includes('another address'));
    expect(told).toMatchObject([
      {
        level: 'warn',
        fields: { from: OLD, to: { ipAddress: '192.168.122.3', ipv6Address: '2001:db8::4' }, holder: 'theirs' },
      },
    ]);
  });

  it('keeps what nobody has taken: only its IPv4 address is another one', async () => {
    const scene = await quarantined();
    await scene.give({ ipAddress: OLD.ipAddress });
    scene.pay();
    await scene.world.pass(scene.uuid, 20_000, 5000);
    await expectAt(scene, { ...OLD, ipAddress: '192.168.122.3' });
  });

  it('keeps both where nobody has taken either', async () => {
    const scene = await quarantined();
    const before = scene.seed();
    scene.pay();
    await scene.world.pass(scene.uuid, 20_000, 5000);
    await expectAt(scene, OLD);
    expect(scene.seed()).toEqual(before);
    expect(scene.readdressed()).toEqual([]);
  });

  it('keeps its new address when a stale copy of its record comes back', async () => {
    const scene = await quarantined();
    const { world, uuid, give, pay } = scene;
    await give(OLD);
    pay();
    await world.pass(uuid, 20_000, 5000);
    await world.records.patch(NAME, OLD);
    await world.pass(uuid, 10_000, 5000);
    await expectAt(scene, { ipAddress: '192.168.122.3', ipv6Address: '2001:db8::4' });
  });

  it('may lose that one in the next quarantine, too', async () => {
    const scene = await quarantined();
    const { world, uuid, give, pay, memory } = scene;
    await give(OLD);
    world.ledger.change(
      world.ledger.refsForName(NAME)[0] ?? expect.fail('no subscription'),
      BigInt(Math.floor(world.clock.nowUnixMs() / 1000)) + 60n,
    );
    await world.pass(uuid, 20_000, 5000);
    expect(memory()).toMatchObject({ phase: 'present', details: { ipAddress: '192.168.122.3' } });
    await world.pass(uuid, 400_000, 5000);
    expect(memory()).toMatchObject({ phase: 'quarantined' });
    await give({ ipAddress: '192.168.122.3', ipv6Address: '2001:db8::4' }, 'others');
    pay();
    await world.pass(uuid, 20_000, 5000);
    await expectAt(scene, { ipAddress: '192.168.122.4', ipv6Address: '2001:db8::5' });
  });

  it('keeps it in the next quarantine, and whatever its card has become by then', async () => {
    const scene = await quarantined();
    const { world, uuid, give, pay, memory } = scene;
    await give(OLD);
    const [ref = expect.fail('no subscription')] = world.ledger.refsForName(NAME);
    world.ledger.change(ref, BigInt(Math.floor(world.clock.nowUnixMs() / 1000)) + 60n);
    await world.pass(uuid, 20_000, 5000);
    const guest = world.hypervisor.guest(uuid) ?? expect.fail('it did not come back');
    guest.xml = guest.xml.replace(/<interface.*<\/interface>/s, '');
    await world.pass(uuid, 400_000, 5000);
    expect(memory()).toMatchObject({ phase: 'quarantined' });
    pay();
    await world.pass(uuid, 20_000, 5000);
    await expectAt(scene, { ipAddress: '192.168.122.3', ipv6Address: '2001:db8::4' });
    expect(scene.readdressed()).toHaveLength(1);
  });

  it('waits, with the reason, while no other address is free, and comes back once one is', async () => {
    const scene = await quarantined();
    const { world, give, pay, memory } = scene;
    await give(OLD);
    const { pools } = world.deps;
    const one = { ...pools, ipv4: { start: '192.168.122.2', end: '192.168.122.2', gateway: '192.168.122.1' } };
    Object.assign(world.deps, { pools: one });
    pay();
    await daemon(world);
    expect(memory()).toMatchObject({
      phase: 'restoring',
      details: OLD,
      failures: { restore: { curable: true, message: expect.stringContaining('no IPv4 address') } },
    });
    Object.assign(world.deps, { pools });
    await world.clock.advance(300_000);
    await daemon(world);
    await expectAt(scene, { ipAddress: '192.168.122.3', ipv6Address: '2001:db8::4' });
  });
});

describe('the guest of a machine that came back at another address', () => {
  const back = async (heldIn: (scene: Scene) => string) => {
    const scene = await quarantined();
    const { world, uuid, give, pay } = scene;
    await give(OLD);
    pay();
    await world.pass(uuid, 10_000, 5000);
    const guest = world.hypervisor.guest(uuid);
    if (guest === undefined) throw new Error('it did not come back');
    guest.behaviour = {
      ...guest.behaviour,
      programs: (argv, of) =>
        argv[0] === 'ip' ? { exitCode: 0, stdout: heldIn(scene), stderr: '' } : debianPrograms(argv, of),
    };
    return scene;
  };
  const line = (address: string): string => `2: eth0    inet ${address} scope global eth0\n`;

  it('is asked until it bears the address, and never again', async () => {
    let asked = 0;
    const scene = await back(() => {
      asked += 1;
      return line('192.168.122.3/24') + line('2001:db8::4/128');
    });
    await scene.world.pass(scene.uuid, 700_000, 5000);
    expect(scene.memory()).toMatchObject({ formerAddresses: { stage: 'left' }, failures: {} });
    expect(asked).toBe(1);
  });

  it('raises an alarm that says what to do while it bears the old one', async () => {
    const scene = await back(() => line('192.168.122.2/24'));
    await scene.world.pass(scene.uuid, 120_000, 5000);
    const failure = scene.memory()?.failures['check-address'];
    expect(failure?.message).toContain('192.168.122.3 and 2001:db8::4');
    const round = await scene.world.look(scene.uuid);
    expect(round?.plan.report).toMatchObject({ level: 'error', what: expect.stringContaining('has not taken that') });
  });
});

describe('a restore at another address that is killed', () => {
  const ready = async (): Promise<Scene> => {
    const scene = await quarantined();
    await scene.give(OLD);
    scene.pay();
    return scene;
  };

  it('is whole afterwards wherever that was, at one new address and no other', async () => {
    const calm = await ready();
    const { trace } = await daemon(calm.world);
    expect(trace).toEqual(expect.arrayContaining(['builder.renewNetwork', 'quarantine.moveOut']));
    await expectAt(calm, { ipAddress: '192.168.122.3', ipv6Address: '2001:db8::4' });
    for (const [index, what] of trace.entries()) {
      for (const when of ['before', 'after'] as const) {
        const scene = await ready();
        const killed = await daemon(scene.world, { at: index + 1, when });
        expect(killed.died, `${when} ${what}`).toBe(true);
        await daemon(scene.world);
        await daemon(scene.world);
        await expectAt(scene, { ipAddress: '192.168.122.3', ipv6Address: '2001:db8::4' });
        expect(scene.readdressed(), `${when} ${what}`).toHaveLength(1);
      }
    }
  });
});
