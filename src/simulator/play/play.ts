import type { HarmKind, JournalState } from '../../domain/journal/memory.ts';
import { INVARIANTS } from '../invariants/all.ts';
import type { Invariant, Violation } from '../invariants/sight.ts';
import type { Scenario } from '../scenario/schema.ts';
import { type DaemonLife, startDaemon } from '../world/daemon.ts';
import { isDefect } from '../world/log.ts';
import { word } from '../world/people.ts';
import { createWorld } from '../world/world.ts';
import { perform } from './acts.ts';
import { createCoverage } from './coverage.ts';
import type { Stage } from './stage.ts';
import { actText, clockText, inWords } from './story-words.ts';
import { createTroubles } from './troubles.ts';
import { createWatcher } from './watcher.ts';

export interface Played {
  readonly violations: readonly (Violation & { readonly atMs: number })[];
  /** What happened, line by line; empty unless asked for. */
  readonly story: readonly string[];
  readonly coverage: ReadonlyMap<string, number>;
  /** Machines times days of the virtual clock. */
  readonly machineDays: number;
}

export interface PlayOptions {
  readonly story?: boolean;
  readonly invariants?: readonly Invariant[];
  /** The journal's state at every look, for whoever wants to know when something is under way. */
  readonly sees?: (state: JournalState | undefined, nowMs: number) => void;
}

const DRAIN_MS = 25_000;
const RESTART_MS = 5_000;
const MINUTE_MS = 60_000;

/** How long nothing happens before all must have come to rest: the longest of all that anything waits for. */
const restMs = ({ host }: Scenario): number =>
  3 * host.sweepEveryMs + 6 * host.pollEveryMs + (host.finalizedBlocks + 4) * host.blockMs + 20 * MINUTE_MS;

/**
 * Plays one history and looks at every step whether something is that must never be. The same scenario plays the same
 * way, always.
 */
export const play = async (scenario: Scenario, options: PlayOptions = {}): Promise<Played> => {
  const { host } = scenario;
  const wordy = options.story ?? false;
  const story: string[] = [];
  const tell = (line: string): void => {
    if (wordy) story.push(`${clockText(world.clock.monotonicMs())}  ${line}`);
  };
  const coverage = createCoverage();
  let dirty = false;
  const world = createWorld(scenario, {
    wordy,
    effect: (effect) => {
      if (!effect.what.startsWith('disk.')) dirty = true;
      coverage.effect(effect);
      watcher.heard(effect);
    },
    wrong: (invariant, what) => watcher.report({ invariant, what }),
    line: (line) => {
      tell(`${line.by}: ${inWords(line)}`);
      if (isDefect(line)) watcher.report({ invariant: 'no-defects', what: inWords(line) });
    },
  });
  const troubles = createTroubles(world);
  const watcher = createWatcher({
    world,
    troubles,
    invariants: options.invariants ?? INVARIANTS,
    openBreakers: () => new Set(Object.keys(life?.state()?.breaker ?? {}) as HarmKind[]),
  });
  let life: DaemonLife | undefined;
  let downs = 0;
  let ended = false;

  const up = (): void => {
    if (downs > 0 || life?.process.isAlive() || ended) return;
    life = startDaemon(world);
    tell('the daemon starts');
  };

  const down = (forMs: number, what: string): void => {
    downs += 1;
    tell(what);
    troubles.able(false);
    const end = troubles.begin('passing');
    void world.clock.sleep(forMs + RESTART_MS).then(() => {
      downs -= 1;
      end();
      up();
    });
  };

  const stage: Stage = {
    world,
    troubles,
    daemon: () => life,
    tell,
    daemonDown: (forMs, how) => {
      const dying = life;
      if (how === 'killed') dying?.kill();
      else {
        void dying?.stop();
        void world.clock.sleep(DRAIN_MS).then(() => dying?.kill());
      }
      down(how === 'killed' ? forMs : forMs + DRAIN_MS, `the daemon is ${how}`);
    },
    dieAt: (effect, when, forMs) => {
      const dying = life;
      dying?.dieAt({ at: effect, when }, () => {
        if (life === dying) down(forMs, `the daemon dies ${when} an effect`);
      });
    },
    powerCut: (forMs) => {
      life?.kill();
      world.disk.powerCut(world.chance.tears);
      world.hypervisor.powerCut();
      world.routes.clear();
      world.rebooted();
      for (const machine of world.machines.values()) {
        machine.disturbedMs = world.clock.monotonicMs() + forMs;
        machine.pausedByOthers = false;
      }
      down(forMs, 'the host loses its power');
    },
  };

  const look = async (atRest = false): Promise<void> => {
    dirty = false;
    const works = life?.isReady() ?? false;
    troubles.able(works);
    const why = life?.ended();
    if (why !== undefined && life?.process.isAlive()) {
      life.kill();
      tell(`the daemon ended: ${why}`);
      if (!/cannot|lock|away|journal/.test(why))
        watcher.report({ invariant: 'no-defects', what: `the daemon ended: ${why}` });
      down(RESTART_MS, 'its manager starts it again');
    }
    // A grant is an operator's word, and counts from what his clock said: as it stands in the journal.
    for (const machine of world.machines.values()) {
      const memory = life?.state()?.machines[machine.uuid];
      machine.grantUntilUnix = memory?.grantUntilUnix ?? machine.grantUntilUnix;
      // A create that was killed after its commit has made a machine like any other.
      if (memory !== undefined && memory.phase !== 'creating') machine.unfinished = false;
    }
    await watcher.look(atRest);
    coverage.states(life?.state(), stage);
    options.sees?.(life?.state(), world.clock.monotonicMs());
  };

  /** Time passes; looks come as often as anything may have changed, and at least now and then. */
  const pass = async (ms: number, atRest = false): Promise<void> => {
    const everyMs = Math.max(10_000, Math.min(5 * MINUTE_MS, host.pollEveryMs / 2));
    let quietMs = 0;
    for (let left = ms; left > 0; ) {
      const stepMs = Math.min(left, everyMs);
      await world.clock.advance(stepMs);
      left -= stepMs;
      quietMs += stepMs;
      if (dirty || quietMs >= 4 * everyMs || atRest) {
        quietMs = 0;
        await look(atRest);
      }
      if (watcher.violations.length > 0) return;
    }
  };

  await world.furnish();
  up();
  let nowMs = 0;
  const acts = [...scenario.acts].sort((a, b) => a.at - b.at);
  const broken = (): boolean => watcher.violations.length > 0;
  for (const act of acts) {
    if (act.at > host.lastsMs || broken()) break;
    await pass(act.at - nowMs);
    nowMs = Math.max(nowMs, act.at);
    if (broken()) break;
    tell(`— ${actText(act)}`);
    coverage.act(act, life?.process.isAlive() ? life.state() : undefined);
    perform(stage, act);
    await look();
  }
  if (!broken()) await pass(host.lastsMs - nowMs);
  if (!broken()) await settle();
  ended = true;
  life?.kill();

  /** Whatever is wrong ends by itself; operators acknowledge what only they can, and then nobody does anything. */
  async function settle(): Promise<void> {
    const longest = Math.max(
      0,
      ...acts.map(
        (act) => act.at + ('forMs' in act ? (act.forMs ?? 0) : 0) + ('backAfterMs' in act ? act.backAfterMs : 0),
      ),
    );
    tell('— everything is well again');
    await pass(Math.max(0, longest - host.lastsMs) + 6 * MINUTE_MS);
    for (const what of ['chain', 'clock', 'breaker:suspend', 'breaker:destroy'] as const) {
      void word(world, { word: 'ack', what }).outcome;
    }
    for (const machine of world.machines.values()) {
      const failures = Object.keys(life?.state()?.machines[machine.uuid]?.failures ?? {});
      if (failures.length > 0) void word(world, { word: 'ack', what: machine.uuid }).outcome;
    }
    await pass(restMs(scenario));
    // Only where nothing can fall due within the rest is a deed at rest a deed too many.
    const dueMs = host.sweepEveryMs * 2.5;
    if (!broken() && !fallsDue(dueMs)) {
      await watcher.look(false);
      await pass(dueMs, true);
    }
  }

  function fallsDue(withinMs: number): boolean {
    const nowUnixMs = world.clock.nowUnixMs();
    const soon = (atMs: number): boolean =>
      atMs > nowUnixMs - restMs(scenario) && atMs < nowUnixMs + withinMs + MINUTE_MS;
    return [...world.machines.values()].some((machine) => {
      const memory = life?.state()?.machines[machine.uuid];
      const expiryMs = Number(world.chain.head().subscriptions.get(machine.id)?.expiresAt ?? 0n) * 1000;
      const from = Math.max(expiryMs, memory?.suspendedAtUnixMs ?? 0);
      const words = [
        memory?.hold?.untilUnixMs ?? 0,
        memory?.protect?.untilUnixMs ?? 0,
        Number(machine.grantUntilUnix) * 1000,
      ];
      return [expiryMs, from + host.graceMs, memory?.quarantine?.untilUnixMs ?? 0, ...words].some(soon);
    });
  }

  return {
    violations: watcher.violations,
    story,
    coverage: coverage.counts,
    machineDays: (world.machines.size * world.clock.monotonicMs()) / 86_400_000,
  };
};
