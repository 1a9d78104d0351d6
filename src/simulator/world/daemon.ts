import { Observable } from 'rxjs';
import { followersOf } from '../../daemon/followers.ts';
import { createGate } from '../../daemon/gate.ts';
import { gateKeysOf, serve } from '../../daemon/serve.ts';
import type { ServedConfig } from '../../daemon/surroundings.ts';
import { createVitals } from '../../daemon/vitals.ts';
import { explain } from '../../domain/errors.ts';
import { OUR_CODEC } from '../../domain/journal/codec.ts';
import type { JournalEvent } from '../../domain/journal/event.ts';
import type { JournalState } from '../../domain/journal/memory.ts';
import { openJournal } from '../../drivers/journal/open-journal.ts';
import type { Calendar } from '../../ports/calendar.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { createClockScheduler } from '../time/clock-scheduler.ts';
import type { Death, Process } from './process.ts';
import { JOURNAL, type World } from './world.ts';

/** The journal compacts itself often here, so that a restart reads little and compaction is met at every phase. */
const COMPACT_AFTER_BYTES = 96 * 1024;

/** The journal as it ships; what it has acknowledged must be where no power cut reaches it (L4). */
export const openWorldJournal = async (world: World, process: Process, log: Log) => {
  const journal = await openJournal<JournalEvent, JournalState>({
    ...OUR_CODEC,
    path: JOURNAL,
    lockPath: `${JOURNAL}.lock`,
    clock: process.clock,
    log,
    disk: world.disk.of(process),
    // A state that is longer than what is added to it would be written anew all the time.
    compactAfterBytes: Math.max(COMPACT_AFTER_BYTES, 1024 * world.machines.size),
  });
  return {
    ...journal,
    append: async (events: readonly JournalEvent[]): Promise<JournalState> => {
      const state = await journal.append(events);
      if (world.disk.unsynced(JOURNAL) > 0)
        world.blame('acknowledged-is-durable', `${process.name}: ${events[0]?.kind}`);
      return state;
    },
  };
};

/** The daemon while it lives. */
export interface DaemonLife {
  readonly process: Process;
  state(): JournalState | undefined;
  isReady(): boolean;
  hangUp(): void;
  /** SIGTERM; resolves when it has ended. */
  stop(): Promise<void>;
  kill(): void;
  dieAt(death: Death, then: () => void): void;
  /** Why it ended, where nobody asked it to. */
  ended(): string | undefined;
}

const DAY_MS = 86_400_000;
const NIGHT_MS = 2 * 3_600_000;

/** The nightly sweep by the virtual wall clock. */
const calendarOn = (clock: Clock): Calendar => ({
  schedule: (_expression, onDue) => {
    const stop = new AbortController();
    const run = async (): Promise<void> => {
      for (;;) {
        const sinceMidnight = clock.nowUnixMs() % DAY_MS;
        await clock.sleep(((NIGHT_MS - sinceMidnight + DAY_MS) % DAY_MS) + 60_000, stop.signal);
        onDue();
      }
    };
    run().catch(() => undefined);
    return () => stop.abort();
  },
});

/** Starts the daemon as it ships on this world, as its service manager would. */
export const startDaemon = (world: World): DaemonLife => {
  const { host } = world.scenario;
  const process = world.spawn('daemon');
  const log = world.logOf('daemon');
  const stop = new AbortController();
  const hangups = new Set<() => void>();
  const config: ServedConfig = {
    chains: [world.settings],
    policy: world.policy,
    sweepEveryMs: host.sweepEveryMs,
    nightlyCron: '0 2 * * *',
    maxParallelSteps: 4,
  };
  const gate = createGate(gateKeysOf(config));
  let state: (() => JournalState) | undefined;
  let ended: string | undefined;

  const run = async (): Promise<void> => {
    const { clock } = process;
    const journal = await openWorldJournal(world, process, log);
    state = journal.state;
    const { deps, reader } = world.depsOf(process, log, journal, gate.waitsFor);
    await serve({
      config,
      deps,
      journal,
      followers: followersOf({ settings: [world.settings], chain: reader, journal, clock, log }),
      events: {
        lines: ({ onEvent, onEnd }) =>
          world.hypervisor.events.lines({
            onEvent: (event) => void (process.isAlive() && onEvent(event)),
            onEnd: (why) => void (process.isAlive() && onEnd(why)),
          }),
      },
      forget: world.hypervisor.forget,
      calendar: calendarOn(clock),
      hangup$: new Observable((subscriber) => {
        const hear = (): void => subscriber.next(undefined);
        hangups.add(hear);
        return () => hangups.delete(hear);
      }),
      gate,
      vitals: createVitals(clock),
      random: () => world.random.next(),
      stop: stop.signal,
      scheduler: createClockScheduler(clock),
      pace: { longestTickMs: host.tickMs, quietMs: Math.max(60_000, 60 * host.tickMs) },
    });
    await journal.close();
  };

  const running = run().then(
    () => {
      if (!stop.signal.aborted) ended = 'it ended by itself';
    },
    (error: unknown) => {
      if (process.isAlive()) ended = explain(error);
    },
  );
  // What the dead one listened to must not keep it.
  process.onDeath(() => stop.abort());

  return {
    process,
    state: () => state?.(),
    isReady: () => state !== undefined && process.isAlive() && gate.waitsFor().length === 0,
    hangUp: () => {
      for (const hear of [...hangups]) hear();
    },
    stop: async () => {
      stop.abort();
      await running;
    },
    kill: process.kill,
    dieAt: process.dieAt,
    ended: () => ended,
  };
};
