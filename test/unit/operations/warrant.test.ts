import { describe, expect, it } from 'vitest';
import { parseWarrant } from '../../../src/domain/warrant/warrant.ts';
import { act, intentOf } from '../../../src/operations/act.ts';
import { LAG_MS } from '../../models/model-ledger.ts';
import { createWorld, type World } from '../../models/model-world.ts';

const GRACE_MS = 60_000;
const POLICY = { graceMs: GRACE_MS, quarantineMs: 120_000, shutdownPatienceMs: 30_000, expiryMarginMs: 1000 };

/** Sold for a moment, suspended, and at the end of its grace: the next looks destroy it. */
const atItsEnd = async () => {
  const world = createWorld(POLICY);
  const machine = await world.sell(7, 20);
  await world.pass(machine.uuid, 20_000 + LAG_MS.safe + 15_000);
  expect(world.journal.state().machines[machine.uuid]?.suspendedAtUnixMs).toBeDefined();
  return { world, ...machine };
};

const called = (world: World, what: string): number =>
  world.hypervisor.calls.filter((call) => call.what === what).length;
const nowUnix = (world: World): bigint => BigInt(Math.floor(world.clock.nowUnixMs() / 1000));

/** Something happens at the last moment: the dossier is written, and the domain is still defined. */
const atTheDossier = (world: World, happens: () => void): void => {
  const { keep } = world.quarantine;
  let once = false;
  world.quarantine.keep = async (dossier) => {
    await keep(dossier);
    if (!once) happens();
    once = true;
  };
};

describe('the part that destroys', () => {
  it('does so on a warrant that can be read from the journal again (L9)', async () => {
    const { world, uuid } = await atItsEnd();
    await world.pass(uuid, GRACE_MS + LAG_MS.finalized + 10_000);
    expect(called(world, 'undefine')).toBe(1);
    const harm = world.events.filter((event) => event.kind === 'intent' && event.harm !== undefined);
    expect(harm.map((event) => event.kind === 'intent' && event.step)).toEqual(['request-shutdown', 'destroy']);
    for (const event of harm) {
      const warrant = event.kind === 'intent' ? parseWarrant(event.warrant) : undefined;
      expect(warrant).toMatchObject({ code: 'model', facts: { uuid, chain: { kind: 'view' } } });
    }
  });

  it.each<[string, (world: World, ref: Awaited<ReturnType<typeof atItsEnd>>['ref']) => void]>([
    ['a payment', (world, ref) => world.ledger.change(ref, nowUnix(world) + 3600n)],
    ['an outage of the chain', (world) => world.ledger.outage(true)],
    ['an endpoint that lies', (world) => world.ledger.liar(true)],
  ])('leaves everything in place when %s comes after the decision (C5, C11, L3)', async (_, happens) => {
    const { world, uuid, ref } = await atItsEnd();
    let happened = false;
    atTheDossier(world, () => {
      happens(world, ref);
      // The head shows a payment after two seconds; here it was made before.
      world.clock.jump(_ === 'a payment' ? LAG_MS.head : 0);
      happened = true;
    });
    for (let looks = 0; looks < 200 && !happened; looks += 1) await world.pass(uuid, 1000);
    expect(happened).toBe(true);
    expect(called(world, 'undefine')).toBe(0);
    expect(world.hypervisor.guest(uuid)).toBeDefined();
    const refused = world.events.find((event) => event.kind === 'outcome' && event.step === 'destroy' && !event.ok);
    expect(refused).toMatchObject({ curable: true, error: expect.stringMatching(/is left alone: /) });
  });

  it('is undone by that payment, and done after that outage', async () => {
    const paid = await atItsEnd();
    atTheDossier(paid.world, () => paid.world.ledger.change(paid.ref, nowUnix(paid.world) + 3600n));
    await paid.world.pass(paid.uuid, GRACE_MS + LAG_MS.finalized + 120_000);
    expect(paid.world.hypervisor.guest(paid.uuid)).toMatchObject({ run: 'running' });

    const dark = await atItsEnd();
    atTheDossier(dark.world, () => dark.world.ledger.outage(true));
    await dark.world.pass(dark.uuid, GRACE_MS + LAG_MS.finalized + 10_000);
    expect(called(dark.world, 'undefine')).toBe(0);
    dark.world.ledger.outage(false);
    await dark.world.pass(dark.uuid, 400_000);
    expect(called(dark.world, 'undefine')).toBe(1);
  });

  it.each(['request-shutdown', 'power-off', 'save', 'destroy', 'purge'] as const)(
    'does nothing for who comes to %s without a warrant',
    async (what) => {
      const { world, uuid } = await atItsEnd();
      const calls = world.hypervisor.calls.length;
      const ground = {
        row: 'none',
        because: 'a defect',
        basis: { row: 'none', because: '', policyVersion: 1, observedAtUnixMs: 0 },
      };
      const step =
        what === 'request-shutdown'
          ? ({ do: what, mode: 'acpi' } as const)
          : what === 'power-off'
            ? ({ do: what, how: 'forced' } as const)
            : ({ do: what } as const);
      await world.journal.append([intentOf(world.deps, uuid, ground, step)]);
      await expect(act(world.deps, uuid, ground, step)).resolves.toMatchObject({
        code: 'no-warrant',
        retryable: false,
      });
      const harmful = world.hypervisor.calls
        .slice(calls)
        .filter((call) => /undefine|power|save|shut down/.test(call.what));
      expect(harmful).toEqual([]);
      expect(world.hypervisor.guest(uuid)).toBeDefined();
    },
  );

  it('does nothing for a destroy that nobody ordered (D14)', async () => {
    const { world, uuid } = await atItsEnd();
    const ground = {
      row: 'none',
      because: 'a defect',
      basis: { row: 'none', because: '', policyVersion: 1, observedAtUnixMs: 0 },
    };
    const failure = await act(world.deps, uuid, ground, { do: 'destroy-for-good' });
    expect(failure).toMatchObject({ code: 'no-warrant' });
    expect(world.hypervisor.guest(uuid)).toBeDefined();
    await world.journal.append([{ kind: 'destroy-ordered', uuid, by: 'root', argv: [], chain: 'unknown' }]);
    expect(await act(world.deps, uuid, ground, { do: 'destroy-for-good' })).toBeUndefined();
    expect(world.hypervisor.guest(uuid)).toBeUndefined();
  });
});
