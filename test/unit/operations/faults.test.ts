import { afterAll, describe, expect, it } from 'vitest';
import { HypervisorError, RecordsError } from '../../../src/domain/errors.ts';
import type { Deps } from '../../../src/operations/deps.ts';
import { createFleet } from '../../../src/operations/fleet.ts';
import { createReconcile } from '../../../src/operations/reconcile.ts';
import { createWorld } from '../../models/model-world.ts';

/*
 * A machine is destroyed, and brought back, while one call after the other goes wrong: it fails, or the process dies just
 * before or just after it. Whatever it was, the next life of the daemon gets to the same end, nothing is lost, and no
 * file moves before libvirt itself says that the domain is absent.
 */

const POLICY = { graceMs: 60_000, quarantineMs: 3_600_000 };
const FAULTS = ['fails', 'dies before', 'dies after'] as const;
type Fault = (typeof FAULTS)[number];

/** Which of its parts an operation is cut off from. */
const PARTS = ['hypervisor', 'quarantine', 'records', 'journal'] as const;

const died = new Promise<never>(() => undefined);
const tally = new Map<string, number>();

const build = async () => {
  const world = createWorld(POLICY);
  const machine = await world.sell(7, 60);
  const fault = { at: Number.POSITIVE_INFINITY, how: 'fails' as Fault, calls: 0, hit: undefined as string | undefined };
  let alive = true;
  let onDeath: () => void = () => undefined;
  const wrongs: string[] = [];

  const watch = (what: string): void => {
    if (what !== 'quarantine.moveIn') return;
    if (world.hypervisor.guest(machine.uuid)) wrongs.push('a file moved while the domain was there');
    if (!world.quarantine.kept.has(machine.uuid)) wrongs.push('a file moved without a dossier');
  };
  const mortal = <T extends object>(part: string, real: T): T =>
    new Proxy(real, {
      get: (target, key, receiver) => {
        const call: unknown = Reflect.get(target, key, receiver);
        if (typeof call !== 'function' || key === 'state') return call;
        return async (...args: unknown[]): Promise<unknown> => {
          if (!alive) return died;
          fault.calls += 1;
          const what = `${part}.${String(key)}`;
          const struck = fault.calls === fault.at;
          if (struck) {
            fault.hit = what;
            tally.set(what, (tally.get(what) ?? 0) + 1);
            if (fault.how === 'fails') {
              const facts = { code: 'fault', retryable: true };
              throw part === 'records' ? new RecordsError('a fault', facts) : new HypervisorError('a fault', facts);
            }
            if (fault.how === 'dies before') return die();
          }
          watch(what);
          const result: unknown = await Reflect.apply(call, target, args);
          return struck ? die() : result;
        };
      },
    });
  const die = (): Promise<never> => {
    alive = false;
    onDeath();
    return died;
  };
  const start = () => {
    alive = true;
    const deps: Deps = { ...world.deps };
    for (const part of PARTS) Object.assign(deps, { [part]: mortal(part, world.deps[part]) });
    const fleet = createFleet(deps);
    return { fleet, reconcile: createReconcile(deps, fleet) };
  };
  let running = start();

  /** Time passes in the daemon's life, or lives: after a death it is started again. */
  const pass = async (seconds: number, everySeconds = 5): Promise<void> => {
    for (let passed = 0; passed < seconds; passed += everySeconds) {
      await world.clock.advance(everySeconds * 1000);
      const death = new Promise<void>((resolve) => {
        onDeath = resolve;
      });
      const look = (async () => {
        await running.fleet.survey();
        await running.reconcile(machine.uuid, () => undefined);
      })().catch(() => undefined);
      await Promise.race([look, death]);
      if (!alive) running = start();
    }
  };
  return { world, ...machine, fault, pass, wrongs };
};

const suspended = async () => {
  const life = await build();
  await life.pass(140, 20);
  expect(life.world.journal.state().machines[life.uuid]?.suspendedAtUnixMs).toBeDefined();
  // Just before its grace is over, at every level.
  await life.world.clock.advance(60_000);
  return life;
};

const isDestroyed = async ({ world, uuid, name, wrongs }: Awaited<ReturnType<typeof build>>): Promise<void> => {
  expect(wrongs).toEqual([]);
  expect(world.hypervisor.guest(uuid)).toBeUndefined();
  expect(world.journal.state().machines[uuid]?.phase).toBe('quarantined');
  expect([...world.quarantine.moved]).toContain(`/vms/${name}.qcow2`);
  expect(world.quarantine.kept.has(uuid)).toBe(true);
  expect(await world.records.read(name)).toMatchObject({ status: 'destroyed' });
  expect((await world.records.allocated()).ipv4).toEqual([]);
};

const isBack = async ({ world, uuid, name, wrongs }: Awaited<ReturnType<typeof build>>): Promise<void> => {
  expect(wrongs).toEqual([]);
  expect(world.hypervisor.guest(uuid)?.run).toBe('running');
  expect([...world.quarantine.moved]).toEqual([]);
  expect(world.journal.state().machines[uuid]?.phase).toBe('present');
  expect(await world.records.read(name)).toMatchObject({ status: 'active' });
  expect((await world.records.allocated()).ipv4).toEqual(['192.168.122.7']);
};

/** Strikes at the first call, the second, and so on, until an act goes through without being struck. */
const everywhere = async (
  how: Fault,
  begin: () => ReturnType<typeof build>,
  act: (life: Awaited<ReturnType<typeof build>>) => Promise<void>,
): Promise<number> => {
  for (let at = 1; ; at += 1) {
    const life = await begin();
    Object.assign(life.fault, { calls: 0, at, how, hit: undefined });
    try {
      await act(life);
    } catch (error) {
      throw new Error(`${how} at call ${at}, ${life.fault.hit}: ${String(error)}`, { cause: error });
    }
    if (life.fault.hit === undefined) return at - 1;
  }
};

const pay = ({ world, ref }: Awaited<ReturnType<typeof build>>): void =>
  world.ledger.change(ref, BigInt(Math.floor(world.clock.nowUnixMs() / 1000)) + 1_000_000n);

describe.each(FAULTS)('when a call %s', (how) => {
  it('a destroy gets to its end all the same, whichever call it was (L4, D21)', { timeout: 120_000 }, async () => {
    const calls = await everywhere(how, suspended, async (life) => {
      await life.pass(60, 30);
      life.fault.at = Number.POSITIVE_INFINITY;
      await life.pass(30);
      await isDestroyed(life);
    });
    expect(calls).toBeGreaterThan(20);
  });

  it('a late payment brings the machine back all the same, whichever call it was (C11, D21)', {
    timeout: 120_000,
  }, async () => {
    const quarantined = async () => {
      const life = await suspended();
      await life.pass(120, 30);
      await isDestroyed(life);
      return life;
    };
    const calls = await everywhere(how, quarantined, async (life) => {
      pay(life);
      await life.pass(3, 3);
      life.fault.at = Number.POSITIVE_INFINITY;
      await life.pass(30);
      await isBack(life);
    });
    expect(calls).toBeGreaterThan(20);
  });

  it('a payment in the middle of a destroy undoes it, wherever it had got to (C11)', { timeout: 120_000 }, async () => {
    await everywhere(how, suspended, async (life) => {
      while (life.fault.hit === undefined && life.world.journal.state().machines[life.uuid]?.phase !== 'quarantined')
        await life.pass(30, 30);
      life.fault.at = Number.POSITIVE_INFINITY;
      pay(life);
      await life.pass(40);
      await isBack(life);
    });
  });
});

afterAll(() => {
  console.info(`faults struck: ${[...tally].map(([what, times]) => `${what} ${times}`).join(', ')}`);
  for (const what of [
    'quarantine.keep',
    'quarantine.moveIn',
    'quarantine.moveOut',
    'quarantine.forget',
    'hypervisor.undefine',
    'hypervisor.define',
    'hypervisor.definition',
    'records.patch',
    'records.releaseAddresses',
    'journal.append',
  ]) {
    expect(tally.get(what) ?? 0, what).toBeGreaterThan(0);
  }
});
