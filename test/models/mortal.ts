import type { Deps } from '../../src/operations/deps.ts';
import { createFleet } from '../../src/operations/fleet.ts';
import { createReconcile } from '../../src/operations/reconcile.ts';
import { EFFECTS } from '../../src/simulator/world/host-parts.ts';
import { createProcess, type Death, type Effect, type Process } from '../../src/simulator/world/process.ts';
import type { CreateWorld } from './model-create.ts';

/** The calls that change something outside, by the part of the host that they are made on; the journal's among them. */
const CHANGES: Readonly<Record<string, readonly string[]>> = { ...EFFECTS, journal: ['append'] };
/** What such a process asks besides: nobody who is dead gets an answer. */
const PARTS = [...Object.keys(CHANGES), 'chain', 'seeds'];

/** The same parts as a process sees them that is the simulator's own: one that can be killed at its n-th effect. */
const partsOf = <T extends Deps>(deps: T, process: Process): T => {
  const seen: T = { ...deps };
  for (const part of PARTS) {
    const real: unknown = Reflect.get(deps, part);
    if (typeof real === 'object' && real !== null)
      Object.assign(seen, { [part]: process.wrap(part, real, CHANGES[part] ?? []) });
  }
  return seen;
};

/** One process with one task; resolves when it has ended, however it ended. The kernel lets go of its locks. */
export const live = async <T extends Deps>(
  world: CreateWorld,
  deps: T,
  dies: Death,
  task: (deps: T) => Promise<unknown>,
): Promise<{ readonly trace: readonly string[]; readonly died: boolean; readonly error: unknown }> => {
  const trace: string[] = [];
  const onEffect = ({ what }: Effect): void => void trace.push(what);
  const process = createProcess('mortal', { clock: world.clock, tookMs: () => 0, onEffect });
  const death = new Promise<void>((resolve) => process.dieAt(dies, resolve));
  let error: unknown;
  const ended = task(partsOf(deps, process)).catch((caught: unknown) => {
    error = caught;
  });
  await Promise.race([ended, death]);
  if (!process.isAlive()) world.locks.dropAll();
  return { trace, died: !process.isAlive(), error };
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
