import { fromEvent, map, Observable, of } from 'rxjs';
import { chainStream$ } from '../../streams/chain-stream.ts';
import { clockStream$ } from '../../streams/clock-stream.ts';
import type { Deadlines } from '../../streams/deadlines.ts';
import { libvirtStream$ } from '../../streams/libvirt-stream.ts';
import type { Wake } from '../../streams/wake.ts';
import type { Config } from '../config/load.ts';
import { explain } from '../domain/errors.ts';
import type { JournalState } from '../domain/journal/memory.ts';
import { createCalendar } from '../drivers/calendar/calendar.ts';
import { createFollower } from '../drivers/chain/follower.ts';
import { createEventSource } from '../drivers/virsh/event-source.ts';
import { machineNamespace } from '../drivers/virsh/metadata-xml.ts';
import type { Host } from '../host/open-host.ts';
import type { Fleet } from '../operations/fleet.ts';
import { journalCursors } from '../operations/journal-cursors.ts';
import type { ChainHint } from '../ports/chain.ts';
import type { Clock } from '../ports/clock.ts';
import type { HypervisorEvent } from '../ports/event-source.ts';
import type { Log } from '../ports/log.ts';
import type { createClockDoubt } from './clock-doubt.ts';
import type { Gate } from './gate.ts';
import { heartbeat } from './heartbeat.ts';
import { routeChainHint } from './routes.ts';
import type { Vitals } from './vitals.ts';
import { watchedFollower, watchedLibvirt } from './watched.ts';

/** The nightly sweep comes at a time of its own within this span, so that a fleet of hosts does not come at once. */
const NIGHTLY_SPREAD_MS = 1_800_000;

export interface SourceDeps {
  readonly config: Config;
  readonly host: Host;
  readonly fleet: Fleet;
  readonly deadlines: Deadlines;
  readonly clock: Clock;
  readonly log: Log;
  readonly clockDoubt: ReturnType<typeof createClockDoubt>;
  readonly gate: Gate;
  readonly vitals: Vitals;
}

const all = (source: Wake['why']['source'], what: string, clock: Clock): Wake => ({
  target: { kind: 'all' },
  why: { source, what, seenAtUnixMs: clock.nowUnixMs() },
});

const chainSources = (deps: SourceDeps): readonly Observable<Wake>[] => {
  const { config, host, fleet, clock, log, clockDoubt, gate, vitals } = deps;
  return config.chains.map((settings) => {
    const pool = host.chain.pool(settings.chainId);
    if (pool === undefined) throw new Error(`chain ${settings.chainId} has no pool`);
    const cursorStore = journalCursors(host.journal);
    const { pollEveryMs } = settings;
    const plain = createFollower({ settings, cursorStore, clock, log, pool });
    const follower = watchedFollower(vitals, plain, pollEveryMs);
    const route = routeChainHint({ fleet, journal: host.journal, log });
    const hear = (hint: ChainHint): readonly Wake['target'][] => {
      if (host.chain.health().synced.known) gate.pass('chain');
      const settled = clockDoubt
        .settle()
        .catch((error: unknown) => log.warn({ why: explain(error) }, 'clock doubt stays'));
      void settled;
      return route(hint);
    };
    return chainStream$({ follower, clock, pollEveryMs, route: hear, random: Math.random });
  });
};

/** The domain went on or off: whatever is seen next counts from now (L7). */
const isTurn = (event: HypervisorEvent): boolean =>
  event.kind === 'event' && event.event === 'lifecycle' && /^(Started|Resumed|Stopped)\b/.test(event.detail);

const libvirtSource = ({ config, host, fleet, clock, log, vitals }: SourceDeps): Observable<Wake> =>
  libvirtStream$({
    ...watchedLibvirt(vitals, {
      source: createEventSource({ uri: config.libvirtUri, log }),
      beat: () => heartbeat(host),
    }),
    resolve: (name) => fleet.uuidOf(name),
    clock,
    log,
    echoUri: machineNamespace,
    onEvent: (event, uuid) => {
      if (uuid !== undefined && isTurn(event)) host.hypervisor.forget(uuid);
      if (event.kind === 'event' && event.event !== 'metadata-change') {
        log.info({ vm: event.domain, uuid, event: event.event, detail: event.detail }, 'libvirt event');
      }
    },
    random: Math.random,
    // The decision has a debounce of its own, and it is the one that counts (L7).
    timing: { stoppedDebounceMs: 0 },
  });

/** What an acknowledgement can change for all machines at once. */
const forAll = ({ breaker, clockDoubt, chainAckUnixMs }: JournalState): readonly unknown[] => [
  breaker,
  clockDoubt,
  chainAckUnixMs,
];

/** What changed between two states of the journal, as machines to look at. */
const changedSince = (before: JournalState, after: JournalState): readonly Wake['target'][] => {
  if (forAll(before).some((value, index) => value !== forAll(after)[index])) return [{ kind: 'all' }];
  return Object.keys(after.machines)
    .filter((uuid) => after.machines[uuid] !== before.machines[uuid])
    .map((uuid) => ({ kind: 'machine', uuid }));
};

/**
 * Words that an operator wrote into the journal from another process: look at the machines they are about. What is
 * compared is the last state that was compared, because a look that runs meanwhile reads the same words.
 */
const journalSource = ({ host, clock, log }: SourceDeps): Observable<Wake> =>
  new Observable<Wake>((subscriber) => {
    let compared = host.journal.state();
    const look = async (): Promise<void> => {
      const after = await host.journal.refresh();
      const targets = changedSince(compared, after);
      compared = after;
      const why = { source: 'journal', what: 'the journal changed', seenAtUnixMs: clock.nowUnixMs() } as const;
      for (const target of targets) subscriber.next({ target, why });
    };
    return host.journal.onChange(() => {
      look().catch((error: unknown) => log.warn({ why: explain(error) }, 'journal not read'));
    });
  });

/** Everything that can make the daemon look: start, chain, libvirt, clock, journal and SIGHUP. */
export const createSources = (deps: SourceDeps): readonly Observable<Wake>[] => {
  const { config, deadlines, clock, log, clockDoubt } = deps;
  const onJump = (byMs: number): void => {
    clockDoubt.raise(byMs).catch((error: unknown) => log.error({ why: explain(error) }, 'clock jump not journalled'));
  };
  return [
    of(all('start', 'start', clock)),
    ...chainSources(deps),
    libvirtSource(deps),
    clockStream$({
      clock,
      deadlines,
      calendar: createCalendar(NIGHTLY_SPREAD_MS),
      sweepEveryMs: config.sweepEveryMs,
      nightly: config.nightlyCron,
      random: Math.random,
      onJump,
    }),
    journalSource(deps),
    new Observable<Wake>((subscriber) =>
      deps.gate.onOpen(() => subscriber.next(all('start', 'the start-up gate opened', clock))),
    ),
    fromEvent(process, 'SIGHUP').pipe(map(() => all('operator', 'SIGHUP', clock))),
  ];
};
