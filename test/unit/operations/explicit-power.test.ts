import { describe, expect, it } from 'vitest';
import { createOperator } from '../../models/model-operator.ts';
import { createWorld, OWNER, type World } from '../../models/model-world.ts';

const DAY_S = 86_400;
const MINUTE = 60_000;
const NAME = 'blockhost-007';

const sold = async (seconds = 10 * DAY_S, world = createWorld({ graceMs: 600_000 })) => {
  const machine = await world.sell(7, seconds, { tokenId: 70n });
  return { world, op: createOperator(world), ...machine };
};
const called = (world: World, what: string): number =>
  world.hypervisor.calls.filter((call) => call.what.startsWith(what)).length;
const kinds = (world: World, from: number): readonly string[] => world.events.slice(from).map(({ kind }) => kind);
const memoryOf = (world: World, uuid: string) => world.journal.state().machines[uuid];
const hold = (world: World, uuid: string) =>
  world.journal.append([
    { kind: 'hold', uuid, reason: 'ticket 12', by: 'ann', untilUnixMs: world.clock.nowUnixMs() + 5 * MINUTE },
  ]);

describe('stop', () => {
  it('writes the stop down before the guest is asked, and returns once it is off (D16, L4)', async () => {
    const { world, op, guest } = await sold();
    const from = world.events.length;
    let journalWhenAsked: readonly string[] = [];
    const ask = world.hypervisor.requestShutdown;
    world.hypervisor.requestShutdown = (uuid, mode) => {
      journalWhenAsked = kinds(world, from);
      return ask(uuid, mode);
    };
    const done = await op.stop(NAME);
    expect(done.refused).toBeUndefined();
    expect(journalWhenAsked).toEqual(['stopped-by-hand']);
    expect(guest.run).toBe('off');
    expect(done.said.at(-1)).toBe('blockhost-007 is off');
    expect(called(world, 'power off')).toBe(0);
  });

  it('asks again its time after libvirt passed the request on, however slow that was (L8)', async () => {
    const { world, op, guest } = await sold();
    guest.behaviour = { ...guest.behaviour, acpi: 'ignores', agent: 'mute' };
    const ask = world.hypervisor.requestShutdown;
    const heardMs: number[] = [];
    world.hypervisor.requestShutdown = async (uuid, mode) => {
      await world.clock.sleep(9000);
      heardMs.push(world.clock.monotonicMs());
      return ask(uuid, mode);
    };
    await op.stop(NAME);
    const gapsMs = heardMs.slice(1).map((atMs, index) => atMs - (heardMs[index] ?? 0));
    expect(gapsMs.length).toBeGreaterThan(0);
    expect(Math.min(...gapsMs)).toBeGreaterThanOrEqual(10_000 + 9000);
  });

  it('leaves a paid machine off, whatever the daemon looks at afterwards, and its record active (D16)', async () => {
    const { world, op, uuid, guest } = await sold();
    await op.stop(NAME);
    await world.pass(uuid, 10 * MINUTE, 5000);
    expect(guest.run).toBe('off');
    const record = await world.records.read(NAME);
    expect(record).toMatchObject({ status: 'active' });
    expect(record?.suspendedAtUnix).toBeUndefined();
  });

  it('leaves it off beside a daemon that looks all the time', async () => {
    const { world, op, uuid, guest } = await sold();
    guest.behaviour = { ...guest.behaviour, shutdownMs: 9000 };
    let looking = true;
    const daemon = (async () => {
      while (looking) {
        await world.look(uuid);
        await world.clock.sleep(300);
      }
    })();
    const done = await op.stop(NAME);
    await world.clock.advance(30_000);
    looking = false;
    await world.clock.advance(300);
    await daemon;
    expect(done.refused).toBeUndefined();
    expect(guest.run).toBe('off');
    expect(memoryOf(world, uuid)?.run).toMatchObject({ on: false, cause: 'admin' });
  });

  it('gives up before its callers do, takes no power, and says what would (contract: 60 s)', async () => {
    const { world, op, guest } = await sold();
    guest.behaviour = { ...guest.behaviour, acpi: 'ignores', agent: 'mute' };
    const done = await op.stop(NAME);
    expect(done.refused).toMatch(/^blockhost-007 was asked \d+ times to shut down and is still on$/);
    expect(done.tookMs).toBeLessThan(55_000);
    expect(guest.run).toBe('running');
    expect(called(world, 'power off')).toBe(0);
    expect(called(world, 'ask to shut down')).toBeGreaterThanOrEqual(4);
  });

  it('asks a guest that ignores the button through its agent', async () => {
    const { op, guest } = await sold();
    guest.behaviour = { ...guest.behaviour, acpi: 'ignores' };
    expect((await op.stop(NAME)).refused).toBeUndefined();
    expect(guest.run).toBe('off');
  });

  it('holds no lock while the guest takes its time (D26)', async () => {
    const { world, op, guest } = await sold();
    guest.behaviour = { ...guest.behaviour, shutdownMs: 20_000 };
    let lockedMs = 0;
    const withMachine = world.deps.locks.withMachine;
    Object.assign(world.deps.locks, {
      withMachine: async (uuid: string, options: { waitMs: number }, body: () => Promise<unknown>) => {
        const fromMs = world.clock.monotonicMs();
        const result = await withMachine(uuid, options, body);
        lockedMs += world.clock.monotonicMs() - fromMs;
        return result;
      },
    });
    const done = await op.stop(NAME);
    expect(done.tookMs).toBeGreaterThan(19_000);
    expect(lockedMs).toBe(0);
  });

  it('ends where somebody starts the machine meanwhile: the newer word counts (D26)', async () => {
    const { world, op, guest } = await sold();
    guest.behaviour = { ...guest.behaviour, acpi: 'ignores', agent: 'none' };
    const stopping = op.stop(NAME);
    await world.clock.advance(5000);
    await createOperator(world).start(NAME);
    expect((await stopping).refused).toBe('blockhost-007 was started again meanwhile: the stop is off');
    expect(guest.run).toBe('running');
  });

  it('keeps a machine off whose crash the daemon was about to mend (D16)', async () => {
    const { world, op, uuid, guest } = await sold();
    world.hypervisor.crash(uuid);
    await world.pass(uuid, 4000);
    expect(guest.run).not.toBe('running');
    await op.stop(NAME);
    await world.pass(uuid, 10 * MINUTE, 5000);
    expect(guest.run).not.toBe('running');
  });

  it('is no error on a machine that is off', async () => {
    const { world, op } = await sold();
    await op.stop(NAME);
    const asked = called(world, 'ask to shut down');
    expect(await op.stop(NAME)).toMatchObject({ refused: undefined, said: ['blockhost-007 is off'] });
    expect(called(world, 'ask to shut down')).toBe(asked);
  });

  it('says of a paused guest that it cannot hear', async () => {
    const { world, op, uuid, guest } = await sold();
    world.hypervisor.suspendByOperator(uuid);
    expect((await op.stop(NAME)).refused).toBe('blockhost-007 is paused and cannot hear a request to shut down');
    expect(guest.run).toBe('paused');
  });

  it('stops a protected machine, because that is neither a suspension nor a destruction, and says so (L11)', async () => {
    const { world, op, uuid, guest } = await sold();
    await world.journal.append([{ kind: 'protect', uuid, reason: 'court', by: 'ann' }]);
    const done = await op.stop(NAME);
    expect(done.refused).toBeUndefined();
    expect(done.warned[0]).toContain('protected');
    expect(guest.run).toBe('off');
  });
});

describe('kill', () => {
  it('takes the power at once, and the machine stays off (D16)', async () => {
    const { world, op, uuid, guest } = await sold();
    guest.behaviour = { ...guest.behaviour, acpi: 'ignores', agent: 'mute', stuck: true };
    const done = await op.kill(NAME);
    expect(done).toMatchObject({ refused: undefined, said: ['blockhost-007: power taken'] });
    expect(done.tookMs).toBe(0);
    await world.pass(uuid, 10 * MINUTE, 5000);
    expect(guest.run).toBe('off');
  });

  it('is no error on a machine that is off', async () => {
    const { world, op, uuid } = await sold();
    world.hypervisor.powerOffFromInside(uuid);
    expect(await op.kill(NAME)).toMatchObject({ refused: undefined, said: ['blockhost-007 is off'] });
  });

  it('writes the stop down before power is taken (L4)', async () => {
    const { world, op } = await sold();
    const from = world.events.length;
    let journalWhenTaken: readonly string[] = [];
    const powerOff = world.hypervisor.powerOff;
    world.hypervisor.powerOff = (uuid, how) => {
      journalWhenTaken = kinds(world, from);
      return powerOff(uuid, how);
    };
    await op.kill(NAME);
    expect(journalWhenTaken).toEqual(['stopped-by-hand']);
  });
});

describe('start', () => {
  it('starts a machine that was stopped by hand, and it is one that runs again (D16)', async () => {
    const { world, op, uuid, guest } = await sold();
    await op.stop(NAME);
    expect(await op.start(NAME)).toMatchObject({ refused: undefined, warned: [], said: ['blockhost-007 is started'] });
    expect(guest.run).toBe('running');
    expect(memoryOf(world, uuid)?.adminStop).toBeUndefined();
    await world.pass(uuid, MINUTE);
    world.hypervisor.crash(uuid);
    await world.pass(uuid, MINUTE);
    expect(guest.run).toBe('running');
  });

  it('is no error on a machine that runs', async () => {
    const { op } = await sold();
    expect(await op.start(NAME)).toMatchObject({ refused: undefined, said: ['blockhost-007 is running'] });
  });

  it('starts a machine that is not paid for, warns, and grants nothing: it is suspended again (D15)', async () => {
    const { world, op, uuid, guest } = await sold(60);
    await world.pass(uuid, 3 * MINUTE);
    expect(guest.run).toBe('off');
    const done = await op.start(NAME);
    expect(guest.run).toBe('running');
    expect(done.refused).toBeUndefined();
    expect(done.warned[0]).toMatch(/^blockhost-007 is not paid for since .*: it will be suspended again$/);
    expect(memoryOf(world, uuid)?.grantUntilUnix).toBeUndefined();
    await world.pass(uuid, 3 * MINUTE);
    expect(guest.run).toBe('off');
    expect(await world.records.read(NAME)).toMatchObject({ status: 'suspended' });
  });

  it('keeps the network out while a former owner is the one who could log in (D25)', async () => {
    const { world, op, uuid, guest } = await sold();
    await op.stop(NAME);
    world.ledger.giveToken(70n, `0x${'b2'.repeat(20)}`);
    await world.clock.advance(3000);
    await op.start(NAME);
    expect(guest.run).toBe('running');
    expect(memoryOf(world, uuid)?.linkDownSinceUnixMs).toBeDefined();
    const domain = await world.hypervisor.look(uuid);
    expect(domain).toMatchObject({ interfaces: [{ linkUp: false }] });
    await world.pass(uuid, MINUTE);
    expect(guest.gecos.get('customer')).toBe(`wallet=0x${'b2'.repeat(20)},nft=70`);
    expect(await world.hypervisor.look(uuid)).toMatchObject({ interfaces: [{ linkUp: true }] });
  });

  it('starts one that was just asked to shut down, once it has gone (D26)', async () => {
    const { world, op, guest } = await sold();
    guest.behaviour = { ...guest.behaviour, shutdownMs: 4000 };
    const stopping = op.stop(NAME);
    await world.clock.advance(1000);
    const started = await createOperator(world).start(NAME);
    await stopping;
    expect(started.said.at(-1)).toBe('blockhost-007 is started');
    expect(guest.run).toBe('running');
  });

  it('has the daemon told of the start, and the record is active when it returns', async () => {
    const { world, op, uuid } = await sold(60);
    await world.pass(uuid, 3 * MINUTE);
    expect(await world.records.read(NAME)).toMatchObject({ status: 'suspended' });
    await op.start(NAME);
    expect(await world.records.read(NAME)).toMatchObject({ status: 'active' });
    expect(world.events.some(({ kind }) => kind === 'started-by-hand')).toBe(true);
  });

  it('resumes a paused guest, and not one that is paused by a disk error', async () => {
    const { world, op, uuid, guest } = await sold();
    world.hypervisor.suspendByOperator(uuid);
    expect((await op.start(NAME)).refused).toBeUndefined();
    expect(guest.run).toBe('running');
    world.hypervisor.pauseOnIoError(uuid);
    expect((await op.start(NAME)).refused).toContain('I/O error');
    expect(guest.run).toBe('paused');
  });
});

describe('any command about power', () => {
  it.each(['start', 'stop', 'kill'] as const)(
    '%s refuses a held machine, with who holds it and until when (L11)',
    async (verb) => {
      const { world, op, uuid, guest } = await sold();
      if (verb === 'start') world.hypervisor.powerOffFromInside(uuid);
      const before = guest.run;
      await hold(world, uuid);
      const { refused } = await op[verb](NAME);
      expect(refused).toMatch(/^blockhost-007 is held by ann until 2027-\d\d-\d\dT[\d:]+Z: ticket 12$/);
      expect(guest.run).toBe(before);
      await world.clock.advance(6 * MINUTE);
      expect((await op[verb](NAME)).refused).toBeUndefined();
    },
  );

  it.each(['start', 'stop', 'kill', 'destroy', 'resume'] as const)(
    '%s never touches a foreign domain (D8)',
    async (verb) => {
      const { world, op } = await sold();
      const uuid = '99999999-0000-4000-8000-000000000009';
      world.hypervisor.create({ uuid, name: 'somebodys', disks: ['/vms/somebodys.qcow2'] });
      if (verb !== 'start' && verb !== 'resume') await world.hypervisor.start(uuid);
      const before = world.hypervisor.calls.length;
      const { refused } = await op[verb]('somebodys');
      expect(refused).toBe(
        'somebodys is not ours and is not touched: neither journal, metadata nor live record knows it',
      );
      const touched = world.hypervisor.calls.slice(before).filter((call) => call.uuid === uuid && call.what !== 'look');
      expect(touched).toEqual([]);
    },
  );

  it.each(['start', 'stop', 'kill', 'resume'] as const)('%s says that there is no such machine', async (verb) => {
    const { op } = await sold();
    expect((await op[verb]('nobody')).refused).toBe('there is no machine nobody');
  });

  it('adopts a machine of the Python provisioner first, and no more than that (D10)', async () => {
    const world = createWorld();
    const uuid = '00000000-0000-4000-8000-000000000003';
    world.ledger.buy({ chainId: 31337, contract: `0x${'cc'.repeat(20)}`, subscriptionId: 3n }, OWNER, 1n);
    world.hypervisor.create({ uuid, name: 'blockhost-003', disks: ['/vms/blockhost-003.qcow2'] });
    await world.records.restore({
      name: 'blockhost-003',
      ipAddress: '192.168.122.3',
      ipv6Address: '',
      owner: OWNER,
      username: 'customer',
      expiresAtUnix: 1n,
      createdAtUnix: 0n,
      status: 'active',
    });
    await world.hypervisor.start(uuid);
    const op = createOperator(world);
    expect((await op.kill('blockhost-003')).refused).toBeUndefined();
    expect(memoryOf(world, uuid)).toMatchObject({
      name: 'blockhost-003',
      machineClass: { kind: 'bound' },
      adminStop: { by: 'op' },
    });
    expect(memoryOf(world, uuid)?.suspending).toBeUndefined();
  });

  it('turns a machine off and on that cannot be adopted because the chain is silent', async () => {
    const world = createWorld();
    const uuid = '00000000-0000-4000-8000-000000000003';
    world.ledger.outage(true);
    const guest = world.hypervisor.create({ uuid, name: 'blockhost-003', disks: ['/vms/blockhost-003.qcow2'] });
    await world.records.restore({
      name: 'blockhost-003',
      ipAddress: '',
      ipv6Address: '',
      owner: OWNER,
      username: 'customer',
      expiresAtUnix: 1n,
      createdAtUnix: 0n,
      status: 'active',
    });
    await world.hypervisor.start(uuid);
    const op = createOperator(world);
    expect((await op.stop('blockhost-003')).refused).toBeUndefined();
    expect(guest.run).toBe('off');
    expect((await op.start('blockhost-003')).refused).toBeUndefined();
    expect(guest.run).toBe('running');
    expect(memoryOf(world, uuid)).toBeUndefined();
  });

  it('fails with one sentence where libvirt does not answer, and nothing is written (L3)', async () => {
    const { world, op } = await sold();
    world.hypervisor.away();
    const from = world.events.length;
    for (const verb of ['start', 'stop', 'kill'] as const) {
      expect((await op[verb](NAME)).refused).toMatch(/no connection/);
    }
    expect(kinds(world, from)).toEqual([]);
  });
});
