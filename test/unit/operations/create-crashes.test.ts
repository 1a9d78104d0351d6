import { afterAll, describe, expect, it } from 'vitest';
import { HypervisorError } from '../../../src/domain/errors.ts';
import { createMachine } from '../../../src/operations/create/create.ts';
import type { CreateDeps } from '../../../src/operations/create/create-deps.ts';
import { type CreateWorld, createCreateWorld, requestFor } from '../../models/model-create.ts';
import { daemon, live, NEVER } from '../../models/mortal.ts';

/*
 * A create is killed just before and just after everything that it does to the world, as a trace of an undisturbed run
 * lists it. Whoever comes next, a daemon or another create, finds all of the machine or leaves nothing of it.
 */

const NAME = 'blockhost-007';
const OTHER = 'blockhost-008';

const create = (deps: CreateDeps) => createMachine(deps, requestFor(NAME));

const broken = (world: CreateWorld, part: 'define' | 'register'): CreateWorld => {
  const fail = () => Promise.reject(new HypervisorError('refused', { code: 'refused', retryable: false }));
  const { hypervisor, records } = world.deps;
  if (part === 'define') Object.assign(world.deps, { hypervisor: { ...hypervisor, define: fail } });
  else Object.assign(world.deps, { records: { ...records, register: fail } });
  return world;
};

const newWorld = (): CreateWorld => {
  const world = createCreateWorld();
  world.buy(7, 1_000_000);
  world.buy(8, 1_000_000);
  return world;
};

/** All of it, or nothing. */
const verdict = async (world: CreateWorld): Promise<'all' | 'nothing'> => {
  const machines = Object.values(world.journal.state().machines);
  const domains = await world.hypervisor.list();
  const files = [...world.builder.files.keys()].sort();
  const records = await world.records.list();
  const allocated = await world.records.allocated();
  const reservations = [...(await world.records.reservations()).entries()];
  if (machines.length === 0) {
    expect({ domains, files, records, allocated, reservations }).toEqual({
      domains: [],
      files: [],
      records: [],
      allocated: { ipv4: [], ipv6: [] },
      reservations: [],
    });
    return 'nothing';
  }
  const [machine] = machines;
  expect(machines).toHaveLength(1);
  expect(machine).toMatchObject({ phase: 'present', name: NAME, failures: {} });
  expect(domains).toMatchObject([{ uuid: machine?.uuid, run: 'running' }]);
  expect(files).toEqual(['/vms/blockhost-007.qcow2', '/vms/cloud-init/blockhost-007/seed.iso']);
  expect(records).toMatchObject([{ name: NAME, status: 'active', createdAtUnix: machine?.details.createdAtUnix }]);
  expect(allocated).toEqual({ ipv4: ['192.168.122.2'], ipv6: ['2001:db8::3'] });
  expect([...world.routes]).toEqual(['2001:db8::3']);
  expect(reservations).toEqual([[records[0]?.nftTokenId, NAME]]);
  if (records[0]?.nftMinted) expect(records[0].nftTokenId).toBe(42n);
  return 'all';
};

const tally = new Map<string, number>();
const count = (what: string): void => void tally.set(what, (tally.get(what) ?? 0) + 1);
const points = (trace: readonly string[]) =>
  trace.flatMap((what, index) => (['before', 'after'] as const).map((when) => ({ what, at: index + 1, when })));

const told = async (where: string, check: () => Promise<void>): Promise<void> => {
  try {
    await check();
  } catch (error) {
    throw new Error(`${where}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
};

const calm = newWorld();
const undisturbed = await live(calm, calm.deps, NEVER, create);

describe('a create that is killed', () => {
  it('does these things, in this order, when nobody disturbs it (L4)', () => {
    expect(undisturbed.trace).toEqual([
      'journal.append',
      'builder.makeSeed',
      'builder.makeDisk',
      'hypervisor.define',
      'records.register',
      'journal.append',
      'hostRoutes.add',
      'hypervisor.start',
      'journal.append',
      'minter.mint',
      'records.patch',
      'records.noteMinted',
      'journal.append', // the token
      'journal.append', // the guest is about to be told of it
      'agent.exec',
    ]);
  });

  it.each(points(undisturbed.trace))(
    '$when $what ($at) is all or nothing after the daemon has looked',
    async (point) => {
      const world = newWorld();
      expect((await live(world, world.deps, point, create)).died).toBe(true);
      await daemon(world);
      count(`daemon: ${await verdict(world)}`);
    },
  );

  it.each(points(undisturbed.trace))('$when $what ($at) is whole after another create of that name', async (point) => {
    const world = newWorld();
    await live(world, world.deps, point, create);
    const { error } = await live(world, world.deps, NEVER, create);
    if (error !== undefined) expect(error).toMatchObject({ message: expect.stringContaining('is there already') });
    await daemon(world);
    expect(await verdict(world)).toBe('all');
    count(error === undefined ? 'second create: made anew' : 'second create: was there');
  });

  it.each(points(undisturbed.trace))('$when $what ($at) takes nothing from a create of another name', async (point) => {
    const world = newWorld();
    await live(world, world.deps, point, create);
    const before = Object.values(world.journal.state().machines).length;
    await createMachine(world.deps, requestFor(OTHER));
    const { ipAddress } = (await world.records.read(OTHER)) ?? {};
    expect(ipAddress).toBe(before === 0 ? '192.168.122.2' : '192.168.122.3');
    await daemon(world);
    expect(await world.records.read(OTHER)).toMatchObject({ status: 'active', ipAddress });
    count('another name');
  });
});

describe.each(['define', 'register'] as const)('a create whose %s is refused', (part) => {
  it('is undone at once, and all or nothing wherever that undoing is killed, and the next one, too (L4)', async () => {
    const first = broken(newWorld(), part);
    const { trace, error } = await live(first, first.deps, NEVER, create);
    expect(error).toMatchObject({ code: 'refused' });
    expect(await verdict(first)).toBe('nothing');
    for (const point of points(trace)) {
      await told(`${point.when} ${point.what} (${point.at})`, async () => {
        const world = broken(newWorld(), part);
        await live(world, world.deps, point, create);
        await daemon(world);
        expect(await verdict(world)).toBe('nothing');
        count('undo killed, then daemon');
      });
    }
  });
});

describe('a daemon that is killed while it undoes', () => {
  it('leaves what the next one undoes (L4)', { timeout: 60_000 }, async () => {
    const registered = { at: 5, when: 'after' } as const;
    const sample = newWorld();
    await live(sample, sample.deps, registered, create);
    const { trace } = await daemon(sample);
    expect(trace).toContain('hypervisor.undefine');
    expect(await verdict(sample)).toBe('nothing');
    for (const point of points(trace)) {
      await told(`${point.when} ${point.what} (${point.at})`, async () => {
        const world = newWorld();
        await live(world, world.deps, registered, create);
        await daemon(world, point);
        await daemon(world);
        expect(await verdict(world)).toBe('nothing');
        count('daemon killed, then daemon');
      });
    }
  });

  it('leaves a create alone whose process lives (L2)', async () => {
    const world = newWorld();
    const { makeDisk } = world.builder;
    Object.assign(world.builder, {
      makeDisk: async (...args: Parameters<typeof makeDisk>) => {
        await makeDisk(...args);
        await daemon(world);
      },
    });
    await createMachine(world.deps, requestFor(NAME));
    expect(await verdict(world)).toBe('all');
  });
});

afterAll(() => {
  console.info(
    `create's crash points: ${points(undisturbed.trace).length}; ${[...tally].map(([what, times]) => `${what} ${times}`).join(', ')}`,
  );
  for (const what of ['daemon: all', 'daemon: nothing', 'second create: made anew', 'second create: was there'])
    expect(tally.get(what) ?? 0, what).toBeGreaterThan(0);
});
