import { afterAll, describe, expect, it } from 'vitest';
import { HypervisorError, RecordsError } from '../../../src/domain/errors.ts';
import type { Deps } from '../../../src/operations/deps.ts';
import { createOperator } from '../../models/model-operator.ts';
import { createWorld, type World } from '../../models/model-world.ts';

/*
 * An explicit destroy is struck at one call after the other: the call fails, or the process dies just before or just after
 * it. What is left is nothing begun at all, or an order that the daemon, or the same command given again, brings to its end.
 */

const FAULTS = ['fails', 'dies before', 'dies after'] as const;
type Fault = (typeof FAULTS)[number];
const PARTS = ['hypervisor', 'quarantine', 'records', 'journal'] as const;
const NAME = 'blockhost-007';

const points = new Map<string, number>();
afterAll(() => {
  process.stderr.write(
    `  [destroy] points struck: ${[...points].map(([how, count]) => `${how} ${count}`).join(', ')}\n`,
  );
});

/** The world as one process sees it, which is struck at its `at`th call. `died` resolves when it has died. */
const mortal = (world: World, how: Fault, at: number) => {
  const never = new Promise<never>(() => undefined);
  const state = { calls: 0, hit: undefined as string | undefined, alive: true };
  let tellDeath: () => void = () => undefined;
  const died = new Promise<void>((resolve) => {
    tellDeath = resolve;
  });
  const die = (): Promise<never> => {
    state.alive = false;
    tellDeath();
    return never;
  };
  const wrap = <T extends object>(part: string, real: T): T =>
    new Proxy(real, {
      get: (target, key, receiver) => {
        const call: unknown = Reflect.get(target, key, receiver);
        if (typeof call !== 'function' || key === 'state') return call;
        return async (...args: unknown[]): Promise<unknown> => {
          if (!state.alive) return never;
          state.calls += 1;
          const struck = state.calls === at;
          if (struck) state.hit = `${part}.${String(key)}`;
          if (struck && how === 'fails') {
            const facts = { code: 'fault', retryable: true };
            throw part === 'records' ? new RecordsError('a fault', facts) : new HypervisorError('a fault', facts);
          }
          if (struck && how === 'dies before') return die();
          const result: unknown = await Reflect.apply(call, target, args);
          return struck ? die() : result;
        };
      },
    });
  const deps: Deps = { ...world.deps };
  for (const part of PARTS) Object.assign(deps, { [part]: wrap(part, world.deps[part]) });
  return { world: { ...world, deps }, died, state };
};

const isGone = async (world: World, uuid: string): Promise<void> => {
  expect(world.hypervisor.guest(uuid)).toBeUndefined();
  expect(world.journal.state().machines[uuid]?.phase).toBe('gone');
  expect(world.quarantine.kept.size).toBe(0);
  expect([...world.quarantine.moved]).toContain(`/vms/${NAME}.qcow2`);
  expect(await world.records.read(NAME)).toMatchObject({ status: 'destroyed' });
  expect((await world.records.allocated()).ipv4).toEqual([]);
};

const isUntouched = async (world: World, uuid: string): Promise<void> => {
  expect(world.hypervisor.guest(uuid)?.run).toBe('running');
  expect([...world.quarantine.moved]).toEqual([]);
  expect(await world.records.read(NAME)).toMatchObject({ status: 'active' });
};

const mendings = {
  'the daemon': async (world: World, uuid: string): Promise<void> => {
    world.restart();
    await world.pass(uuid, 60_000, 5000);
  },
  'the same command again': async (world: World): Promise<void> => {
    expect((await createOperator(world).destroy(NAME)).refused).toBeUndefined();
  },
};

describe.each(FAULTS)('when a call of a destroy %s', (how) => {
  it.each(['the daemon', 'the same command again'] as const)(
    '%s brings an order to its end (L4, D14)',
    { timeout: 120_000 },
    async (who) => {
      for (let at = 1; ; at += 1) {
        const world = createWorld();
        const { uuid } = await world.sell(7, 100_000);
        const { world: seen, died, state } = mortal(world, how, at);
        await Promise.race([createOperator(seen, 0).destroy(NAME), died]);
        try {
          const ordered = world.journal.state().machines[uuid]?.ordered !== undefined;
          if (!ordered) await isUntouched(world, uuid);
          if (ordered || who === 'the same command again') {
            await mendings[who](world, uuid);
            await isGone(world, uuid);
          }
        } catch (error) {
          throw new Error(`${how} at call ${at}, ${state.hit}: ${String(error)}`, { cause: error });
        }
        if (state.hit === undefined) return;
        points.set(how, at);
      }
    },
  );
});
