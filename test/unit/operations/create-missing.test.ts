import { describe, expect, it } from 'vitest';
import { known } from '../../../src/domain/fact.ts';
import { subscriptionKey } from '../../../src/domain/identity.ts';
import { DEFAULT_POLICY, type Policy } from '../../../src/domain/policy.ts';
import { createMachine } from '../../../src/operations/create/create.ts';
import { createMissing } from '../../../src/operations/create-missing.ts';
import { createFleet } from '../../../src/operations/fleet.ts';
import { createUnserved } from '../../../src/operations/unserved.ts';
import type { SubscriptionSummary } from '../../../src/ports/chain.ts';
import { createCreateWorld, requestFor } from '../../models/model-create.ts';
import { OWNER } from '../../models/model-world.ts';

/* A subscription that is paid for and has no machine (D13). */

const build = (onMissing: Policy['onMissing'], { createdByEngine = false, fails = 0 } = {}) => {
  const world = createCreateWorld({ onMissing, missingAfterMs: 900_000 });
  const policy = { ...DEFAULT_POLICY, onMissing, missingAfterMs: 900_000, parkAfterFailures: 4 };
  const list: SubscriptionSummary[] = [];
  world.deps.chain.subscriptions = async () => known(list);
  const fleet = createFleet(world.deps);
  const unserved = createUnserved({ ...world.deps, policy }, fleet);
  let tries = 0;
  const missing = createMissing({
    ...world.deps,
    policy,
    createdByEngine,
    create: async ({ vmName, owner }) => {
      tries += 1;
      if (tries <= fails) throw new Error('no template');
      await createMachine(world.deps, requestFor(vmName, { ownerWallet: owner }));
    },
  });
  return {
    world,
    missing,
    tries: () => tries,
    buy: (id: number) => {
      const ref = world.buy(id);
      const vmName = `blockhost-${String(id).padStart(3, '0')}`;
      list.push({ ref, vmName, owner: OWNER, expiresAtUnix: 4_000_000_000n, cancelled: false });
      return subscriptionKey(ref);
    },
    /** One survey of the daemon, so much later. */
    survey: async (afterMs = 0) => {
      await world.clock.advance(afterMs);
      await fleet.survey();
      const found = await unserved();
      if (missing.wanted) await missing.make(found);
    },
    machines: () => Object.values(world.journal.state().machines).map(({ name, phase }) => `${name} ${phase}`),
    fleet,
  };
};

const MINUTE_MS = 60_000;

describe('a subscription that is paid for and has no machine (D13)', () => {
  it('has one, bound to it, started and minted for, once it was missing for long enough', async () => {
    const { buy, survey, machines, world, fleet } = build('create');
    const subscription = buy(7);
    await survey();
    await survey(14 * MINUTE_MS);
    expect(machines()).toEqual([]);
    await survey(MINUTE_MS);
    expect(machines()).toEqual(['blockhost-007 present']);
    const uuid = fleet.boundTo(subscription) ?? '';
    expect(await world.hypervisor.look(uuid)).toMatchObject({ name: 'blockhost-007', run: 'running' });
    expect(world.minted.get(uuid)).toMatchObject({ owner: OWNER });
    await survey(20 * MINUTE_MS);
    expect(machines()).toEqual(['blockhost-007 present']);
  });

  it.each([
    ['report', false, false],
    ['report', true, false],
    ['create', false, true],
    ['create', true, false],
    ['create-beside-engine', true, true],
  ] as const)('under %s, with an engine: %s, is made: %s', async (onMissing, createdByEngine, made) => {
    const { buy, survey, machines } = build(onMissing, { createdByEngine });
    buy(7);
    await survey();
    await survey(15 * MINUTE_MS);
    expect(machines()).toEqual(made ? ['blockhost-007 present'] : []);
  });

  it('is not made again after an explicit destroy: that was somebody’s word (D14)', async () => {
    const { buy, survey, machines, world } = build('create');
    buy(7);
    await survey();
    await survey(15 * MINUTE_MS);
    const [memory] = Object.values(world.journal.state().machines);
    const uuid = memory?.uuid ?? '';
    await world.hypervisor.powerOff(uuid, 'forced');
    await world.hypervisor.undefine(uuid);
    await world.journal.append([
      { kind: 'quarantined', uuid, untilUnixMs: 0 },
      { kind: 'purged', uuid },
    ]);
    await survey(MINUTE_MS);
    await survey(30 * MINUTE_MS);
    expect(machines()).toEqual(['blockhost-007 gone']);
  });

  it('is tried again ever more rarely where that fails, and made when it can be (L8)', async () => {
    const { buy, survey, machines, tries } = build('create', { fails: 2 });
    buy(7);
    await survey();
    await survey(15 * MINUTE_MS);
    expect(tries()).toBe(1);
    await survey();
    expect(tries()).toBe(1);
    await survey(MINUTE_MS);
    await survey(MINUTE_MS);
    expect([tries(), machines()]).toEqual([3, ['blockhost-007 present']]);
  });

  it('waits for an operator after so many failures, and holds back no other', async () => {
    const { buy, survey, machines, tries, world } = build('create', { fails: 4 });
    buy(7);
    await survey();
    await survey(15 * MINUTE_MS);
    for (let count = 0; count < 10; count += 1) await survey(10 * MINUTE_MS);
    expect(tries()).toBe(4);
    const told = world.log.lines.filter(({ message }) => message === 'a missing machine is not made');
    expect(told.map(({ fields }) => fields.todo).filter(Boolean)).toEqual(['mend it, then restart the daemon']);
    buy(8);
    await survey(MINUTE_MS);
    await survey(15 * MINUTE_MS);
    expect(machines()).toEqual(['blockhost-008 present']);
  });
});
