import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { LAG_MS } from '../../models/model-ledger.ts';
import { createWorld, type World } from '../../models/model-world.ts';

/*
 * Whole histories of one machine on real operations and a model host: whatever happens, in whatever order, a machine
 * that is paid for is neither asked to stop, nor stopped, nor destroyed; nothing is harmed while the chain is unknown;
 * and once it is quiet, everything is as chain and operator want it.
 */

const RUNS = Number(process.env.HISTORY_RUNS ?? 400);
const POLICY = { graceMs: 120_000, quarantineMs: 240_000, shutdownPatienceMs: 30_000 };

type Act =
  | { readonly act: 'pass'; readonly seconds: number; readonly everySeconds: number }
  | { readonly act: 'extend'; readonly seconds: number }
  | { readonly act: 'cancel' }
  | { readonly act: 'reorg'; readonly seconds: number }
  | { readonly act: 'outage'; readonly seconds: number }
  | { readonly act: 'liar'; readonly seconds: number }
  | { readonly act: 'crash' | 'restart' | 'double-look' | 'power-off-inside' | 'lose-record' | 'overwrite-record' };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant('pass' as const),
      seconds: fc.integer({ min: 1, max: 90 }),
      everySeconds: fc.constantFrom(1, 3, 20),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constant('extend' as const), seconds: fc.constantFrom(5, 30, 60, 300) }),
  },
  { weight: 1, arbitrary: fc.constant({ act: 'cancel' as const }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('reorg' as const), seconds: fc.integer({ min: 1, max: 18 }) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('outage' as const), seconds: fc.constantFrom(5, 60, 200) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('liar' as const), seconds: fc.constantFrom(30, 200) }) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Act>(
      { act: 'crash' },
      { act: 'restart' },
      { act: 'double-look' },
      { act: 'power-off-inside' },
      { act: 'lose-record' },
      { act: 'overwrite-record' },
    ),
  },
);

const tally = new Map<string, number>();
const count = (key: string): void => void tally.set(key, (tally.get(key) ?? 0) + 1);

const HARMFUL = /^(ask to shut down|power off|save|undefine)/;

/** Watches every harmful call at the moment it is made, against the canonical chain and not against our view of it. */
const watchHarm = (world: World, ref: Parameters<World['ledger']['expiry']>[0], isDark: () => boolean) => {
  const wrongs: string[] = [];
  let seen = world.hypervisor.calls.length;
  const check = (): void => {
    for (const call of world.hypervisor.calls.slice(seen)) {
      if (!HARMFUL.test(call.what)) continue;
      count(`harm: ${call.what}`);
      const over = (level: 'head' | 'safe' | 'finalized', graceMs: number): boolean =>
        Number(world.ledger.expiry(ref, level)) * 1000 + graceMs < call.atUnixMs;
      if (isDark()) wrongs.push(`${call.what} while the chain was unknown`);
      if (!over('head', 0) || !over('safe', 0)) wrongs.push(`${call.what} while paid for`);
      if (call.what === 'undefine' && !over('finalized', POLICY.graceMs))
        wrongs.push('undefine before the grace was over');
    }
    seen = world.hypervisor.calls.length;
  };
  return { wrongs, check };
};

const play = async (
  world: World,
  machine: Awaited<ReturnType<World['sell']>>,
  acts: readonly Act[],
): Promise<string[]> => {
  const { uuid, ref, name } = machine;
  let dark = false;
  const harm = watchHarm(world, ref, () => dark);
  const pass = async (seconds: number, everySeconds: number): Promise<void> => {
    for (let passed = 0; passed < seconds; passed += everySeconds) {
      await world.pass(uuid, everySeconds * 1000, everySeconds * 1000);
      harm.check();
    }
  };
  const nowUnix = (): bigint => BigInt(Math.floor(world.clock.nowUnixMs() / 1000));
  const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
  for (const step of acts) {
    count(step.act);
    switch (step.act) {
      case 'pass':
        await pass(step.seconds, step.everySeconds);
        break;
      case 'extend':
        world.ledger.change(ref, larger(world.ledger.expiry(ref, 'head'), nowUnix()) + BigInt(step.seconds));
        break;
      case 'cancel':
        world.ledger.change(ref, nowUnix(), true);
        break;
      case 'reorg':
        world.ledger.reorg(step.seconds * 1000);
        break;
      case 'outage':
        dark = true;
        world.ledger.outage(true);
        await pass(step.seconds, 5);
        world.ledger.outage(false);
        dark = false;
        break;
      case 'liar':
        world.ledger.liar(true);
        await pass(step.seconds, 5);
        world.ledger.liar(false);
        break;
      case 'crash':
        if (world.hypervisor.guest(uuid)?.run === 'running') world.hypervisor.crash(uuid);
        break;
      case 'power-off-inside':
        if (world.hypervisor.guest(uuid)?.run === 'running') world.hypervisor.powerOffFromInside(uuid);
        break;
      case 'restart':
        world.restart();
        break;
      case 'double-look':
        await Promise.all([world.look(uuid), world.look(uuid), world.look(uuid)]);
        break;
      case 'lose-record':
        await world.records.releaseAddresses('192.168.122.7', '');
        break;
      case 'overwrite-record':
        await world.records.patch(name, { status: 'active', suspendedAtUnix: null, expiresAtUnix: 1n });
        break;
    }
    harm.check();
  }
  return harm.wrongs;
};

const history = fc.record({
  acts: fc.array(act, { minLength: 5, maxLength: 25 }),
  deaf: fc.boolean(),
  save: fc.boolean(),
  paidForSeconds: fc.integer({ min: 20, max: 120 }),
});

describe('any history of a machine', () => {
  it('never harms it while it is paid for or the chain is unknown, and converges when it is quiet (L1, L3, L9, C5, C10, C11)', {
    timeout: 240_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(history, async ({ acts, deaf, save, paidForSeconds }) => {
        const world = createWorld({ ...POLICY, suspendMode: save ? 'save' : 'shutdown' });
        const machine = await world.sell(7, paidForSeconds);
        if (deaf) machine.guest.behaviour = { ...machine.guest.behaviour, acpi: 'ignores', agent: 'mute' };
        expect(await play(world, machine, acts)).toEqual([]);

        // The customer pays for good, and it is quiet: what can run runs, and the record says so.
        const { uuid, ref, name } = machine;
        const memory = () => world.journal.state().machines[uuid];
        const purged = memory()?.phase === 'gone';
        world.ledger.change(ref, BigInt(Math.floor(world.clock.nowUnixMs() / 1000)) + 1_000_000n);
        await world.pass(uuid, LAG_MS.finalized + 400_000, 5000);
        const run = world.hypervisor.guest(uuid)?.run;
        count(purged ? 'end: gone' : `end: ${run}`);
        const ownersStop = memory()?.run?.cause === 'owner' || memory()?.run?.cause === 'admin';
        if (!purged && !ownersStop) expect(run).toBe('running');
        if (!purged) {
          const record = await world.records.read(name);
          expect(record).toMatchObject({ status: 'active', expiresAtUnix: world.ledger.expiry(ref, 'head') });
          expect((await world.records.allocated()).ipv4).toContain('192.168.122.7');
        }
        // A second look finds nothing to do.
        const calls = world.hypervisor.calls.filter(({ what }) => HARMFUL.test(what) || what === 'start').length;
        await world.pass(uuid, 60_000, 5000);
        expect(world.hypervisor.calls.filter(({ what }) => HARMFUL.test(what) || what === 'start').length).toBe(calls);
      }),
      { numRuns: RUNS },
    );
  });
});

afterAll(() => {
  console.info(
    `histories held: ${[...tally]
      .sort(([, a], [, b]) => b - a)
      .map(([key, times]) => `${key} ${times}`)
      .join(', ')}`,
  );
  for (const kind of ['harm: ask to shut down', 'harm: undefine', 'harm: save', 'end: gone', 'end: running']) {
    expect(tally.get(kind) ?? 0, kind).toBeGreaterThan(0);
  }
});
