import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { createNarrator } from '../../../src/daemon/narrator.ts';
import { pipeline } from '../../../src/daemon/pipeline.ts';
import { createSemaphore } from '../../../src/daemon/semaphore.ts';
import type { JournalEvent } from '../../../src/domain/journal/event.ts';
import { foldJournal } from '../../../src/domain/journal/fold.ts';
import { EMPTY_JOURNAL, type JournalState, type MachineMemory } from '../../../src/domain/journal/memory.ts';
import type { Deps } from '../../../src/operations/deps.ts';
import { createFleet } from '../../../src/operations/fleet.ts';
import { createReconcile } from '../../../src/operations/reconcile.ts';
import { createDeadlines } from '../../../streams/deadlines.ts';
import type { Wake } from '../../../streams/wake.ts';
import { refOf } from '../../models/model-ledger.ts';
import { createModelLog } from '../../models/model-log.ts';
import { createWorld, OWNER } from '../../models/model-world.ts';

const MACHINES = Number(process.env.FLEET ?? 10_000);
/** What fits into the window; what ships would let half of the fleet go. */
const ALLOWED = 20;
const PAID_SECONDS = 60;

const uuidOf = (id: number): string => `00000000-0000-4000-8000-${String(id).padStart(12, '0')}`;

/** A host full of machines that all run, are all known, and all end with the same block. */
const build = async () => {
  const world = createWorld({
    breaker: {
      suspend: { count: ALLOWED, share: 0, windowMs: 600_000 },
      destroy: { count: 5, share: 0, windowMs: 3_600_000 },
    },
  });
  const expiresAtUnix = BigInt(Math.floor(world.clock.nowUnixMs() / 1000) + PAID_SECONDS);
  const machines: Record<string, MachineMemory> = {};
  for (let id = 1; id <= MACHINES; id += 1) {
    const uuid = uuidOf(id);
    const name = `blockhost-${String(id).padStart(3, '0')}`;
    const subscription = refOf(BigInt(id));
    world.ledger.buy(subscription, OWNER, expiresAtUnix);
    const disks = [`/vms/${name}.qcow2`];
    const guest = world.hypervisor.create({ uuid, name, disks, metadata: { schema: 1, uuid, subscription } });
    Object.assign(guest, { run: 'running', reason: 'booted' });
    await world.records.restore({
      name,
      ipAddress: '',
      ipv6Address: '',
      owner: OWNER,
      username: 'customer',
      expiresAtUnix,
      createdAtUnix: 0n,
      status: 'active',
    });
    machines[uuid] = {
      uuid,
      name,
      machineClass: { kind: 'bound', subscription },
      details: {
        ipAddress: '',
        ipv6Address: '',
        owner: OWNER,
        username: 'customer',
        createdAtUnix: 0n,
        nftMinted: false,
        disks,
        seeds: [],
      },
      phase: 'present',
      run: { on: true, atUnixMs: 0, bootId: world.deps.bootId },
      lastExpiresAtUnix: expiresAtUnix,
      witnesses: [],
      failures: {},
    };
  }
  let state: JournalState = { ...EMPTY_JOURNAL, machines };
  const events: JournalEvent[] = [];
  const journal: Deps['journal'] = {
    state: () => state,
    refresh: async () => state,
    append: async (batch) => {
      state = batch.reduce((before, event) => foldJournal(before, event, world.clock.nowUnixMs()), state);
      events.push(...batch);
      return state;
    },
  };
  const deps: Deps = { ...world.deps, journal };
  const fleet = createFleet(deps);
  const wakes$ = new Subject<Wake>();
  const looks = { ended: 0, onEnd: (): void => undefined };
  const reconcile = createReconcile(deps, fleet);
  const log = createModelLog();
  const subscription = pipeline(
    {
      fleet,
      reconcile: async (...look) => {
        try {
          return await reconcile(...look);
        } finally {
          looks.ended += 1;
          looks.onEnd();
        }
      },
      deadlines: createDeadlines(),
      clock: world.clock,
      log,
      narrator: createNarrator({ log, clock: world.clock }),
      withSlot: createSemaphore(8),
      onSurvey: async () => undefined,
      random: () => 0.5,
    },
    wakes$,
  ).subscribe();

  /** Wakes all, and resolves with the seconds that it took until each had been looked at. */
  const sweep = async (): Promise<number> => {
    const startedMs = performance.now();
    const target = looks.ended + MACHINES;
    const done = new Promise<void>((resolve) => {
      looks.onEnd = () => {
        if (looks.ended >= target) resolve();
      };
    });
    wakes$.next({
      target: { kind: 'all' },
      why: { source: 'clock', what: 'test', seenAtUnixMs: world.clock.nowUnixMs() },
    });
    await done;
    return (performance.now() - startedMs) / 1000;
  };
  const asked = (): number =>
    new Set(world.hypervisor.calls.filter(({ what }) => what.startsWith('ask to shut down')).map(({ uuid }) => uuid))
      .size;
  return { world, state: () => state, events, sweep, asked, log, subscription };
};

describe(`${MACHINES} machines that expire in one block`, () => {
  it('trip the breaker at its limit: nothing beyond it is harmed, nothing is lost (L10, D28)', {
    timeout: 300_000,
  }, async () => {
    const { world, state, events, sweep, asked, log, subscription } = await build();
    const quiet = await sweep();
    expect([asked(), events]).toEqual([0, []]);

    await world.clock.advance((PAID_SECONDS + 60) * 1000);
    const first = await sweep();
    expect(asked()).toBe(ALLOWED);
    expect(events.filter(({ kind }) => kind === 'breaker-tripped')).toHaveLength(1);
    expect(state().breaker.suspend).toBeDefined();
    expect(log.lines.filter(({ level, message }) => level === 'error' && message === 'report').length).toBe(1);

    await world.clock.advance(5000);
    const second = await sweep();
    expect(asked()).toBe(ALLOWED);

    const runs = await Promise.all(
      Array.from({ length: MACHINES }, (_, index) => world.hypervisor.guest(uuidOf(index + 1))?.run),
    );
    expect(runs.filter((run) => run === 'running')).toHaveLength(MACHINES - ALLOWED);
    expect(runs.filter((run) => run === 'off').length).toBe(ALLOWED);
    expect(world.hypervisor.calls.filter(({ what }) => /^(power off|undefine|save)/.test(what))).toEqual([]);
    expect(Object.keys(state().machines)).toHaveLength(MACHINES);
    expect(await world.records.list()).toHaveLength(MACHINES);
    expect(log.lines.filter(({ message }) => message === 'look failed')).toEqual([]);
    console.info(
      `${MACHINES} machines: a sweep while all are paid ${quiet.toFixed(1)} s, the one that trips ${first.toFixed(1)} s, the next ${second.toFixed(1)} s`,
    );
    subscription.unsubscribe();
  });
});
