import type { Deps } from '../../src/operations/deps.ts';
import { createFleet } from '../../src/operations/fleet.ts';
import { createReconcile } from '../../src/operations/reconcile.ts';
import { SYNCHRONOUS } from '../../src/simulator/world/process.ts';
import type { CreateWorld } from './model-create.ts';

/** Calls that change something outside this process. */
const EFFECTS: Readonly<Record<string, readonly string[]>> = {
  journal: ['append'],
  hypervisor: ['define', 'undefine', 'start', 'powerOff', 'writeMetadata'],
  builder: ['makeDisk', 'removeDisk', 'makeSeed', 'removeSeed', 'renewNetwork'],
  quarantine: ['keep', 'moveIn', 'moveOut', 'purge', 'forget'],
  records: ['register', 'unregister', 'noteMinted', 'restore', 'patch', 'claimAddresses', 'releaseAddresses'],
  hostRoutes: ['add', 'remove'],
  minter: ['mint'],
};

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
export const live = async <T extends Deps>(
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

export const NEVER = { at: Number.POSITIVE_INFINITY, when: 'before' } as const;

/** A daemon that lives for a while; `dies` for those that do not. */
export const daemon = async (world: CreateWorld, dies: Parameters<typeof live>[2] = NEVER) =>
  live(world, { ...world.deps, clock: world.clock } satisfies Deps, dies, async (deps) => {
    const fleet = createFleet(deps);
    const reconcile = createReconcile(deps, fleet);
    for (let look = 0; look < 6; look += 1) {
      for (const uuid of await fleet.survey()) await reconcile(uuid, () => undefined);
      await world.clock.advance(5000);
    }
  });
