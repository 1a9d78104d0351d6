import { afterAll, describe, expect, it } from 'vitest';
import { HypervisorError } from '../../../src/domain/errors.ts';
import { createMachine } from '../../../src/operations/create/create.ts';
import type { CreateDeps } from '../../../src/operations/create/create-deps.ts';
import type { Deps } from '../../../src/operations/deps.ts';
import { createFleet } from '../../../src/operations/fleet.ts';
import { createReconcile } from '../../../src/operations/reconcile.ts';
import { type CreateWorld, createCreateWorld, requestFor } from '../../models/model-create.ts';

/*
 * A create is killed just before and just after everything that it does to the world, as a trace of an undisturbed run
 * lists it. Whoever comes next, a daemon or another create, finds all of the machine or leaves nothing of it.
 */

const NAME = 'blockhost-007';
const OTHER = 'blockhost-008';

/** Calls that change something outside this process. */
const EFFECTS: Readonly<Record<string, readonly string[]>> = {
  journal: ['append'],
  hypervisor: ['define', 'undefine', 'start', 'powerOff', 'writeMetadata'],
  builder: ['makeDisk', 'removeDisk', 'makeSeed', 'removeSeed'],
  records: ['register', 'unregister', 'noteMinted', 'restore', 'patch', 'claimAddresses', 'releaseAddresses'],
  hostRoutes: ['add', 'remove'],
  minter: ['mint'],
};

/** Calls that answer at once and change nothing. */
const SYNCHRONOUS = new Set(['state', 'knows', 'refForName', 'refsForName', 'health', 'placesOf', 'definitionOf']);

type When = 'before' | 'after';
const dead = new Promise<never>(() => undefined);

/** Lets a process live until it comes to its n-th effect, and notes which effects it had. */
const mortal = <T extends Deps>(deps: T, dies: { readonly at: number; readonly when: When }) => {
  const trace: string[] = [];
  let alive = true;
  let onDeath: () => void = () => undefined;
  const death = new Promise<'dead'>((resolve) => {
    onDeath = () => resolve('dead');
  });
  const die = (): Promise<never> => {
    alive = false;
    onDeath();
    return dead;
  };
  const wrap = <P extends object>(part: string, real: P): P =>
    new Proxy(real, {
      get: (target, key) => {
        const call: unknown = Reflect.get(target, key);
        if (typeof call !== 'function' || SYNCHRONOUS.has(String(key))) return call;
        return async (...args: unknown[]): Promise<unknown> => {
          if (!alive) return dead;
          if (!EFFECTS[part]?.includes(String(key))) return Reflect.apply(call, target, args);
          trace.push(`${part}.${String(key)}`);
          const mine = trace.length === dies.at;
          if (mine && dies.when === 'before') return die();
          const result: unknown = await Reflect.apply(call, target, args);
          return mine ? die() : result;
        };
      },
    });
  const mortalDeps: T = { ...deps };
  for (const part of [...Object.keys(EFFECTS), 'chain', 'agent', 'seeds']) {
    const real: unknown = Reflect.get(deps, part);
    if (typeof real === 'object' && real !== null) Object.assign(mortalDeps, { [part]: wrap(part, real) });
  }
  return { deps: mortalDeps, trace, death, isAlive: () => alive };
};

/** One process with one task; resolves when it has ended, however it ended. The kernel lets go of its locks. */
const live = async <T extends Deps>(
  world: CreateWorld,
  deps: T,
  dies: { readonly at: number; readonly when: When },
  task: (deps: T) => Promise<unknown>,
): Promise<{ readonly trace: readonly string[]; readonly died: boolean; readonly error: unknown }> => {
  const life = mortal(deps, dies);
  let error: unknown;
  const ended = task(life.deps).catch((caught: unknown) => {
    error = caught;
  });
  await Promise.race([ended, life.death]);
  if (!life.isAlive()) world.locks.dropAll();
  return { trace: life.trace, died: !life.isAlive(), error };
};

const NEVER = { at: Number.POSITIVE_INFINITY, when: 'before' } as const;

/** A daemon that lives for a while; `dies` for those that do not. */
const daemon = async (world: CreateWorld, dies: Parameters<typeof live>[2] = NEVER) =>
  live(world, { ...world.deps, clock: world.clock } satisfies Deps, dies, async (deps) => {
    const fleet = createFleet(deps);
    const reconcile = createReconcile(deps, fleet);
    for (let look = 0; look < 6; look += 1) {
      for (const uuid of await fleet.survey()) await reconcile(uuid, () => undefined);
      await world.clock.advance(5000);
    }
  });

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
      'journal.append',
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
