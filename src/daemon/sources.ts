import { map, Observable, of } from 'rxjs';
import { chainStream$ } from '../../streams/chain-stream.ts';
import { clockStream$ } from '../../streams/clock-stream.ts';
import type { Deadlines } from '../../streams/deadlines.ts';
import { libvirtStream$ } from '../../streams/libvirt-stream.ts';
import type { Wake } from '../../streams/wake.ts';
import { explain } from '../domain/errors.ts';
import type { JournalState } from '../domain/journal/memory.ts';
import { machineNamespace } from '../drivers/virsh/metadata-xml.ts';
import type { Fleet } from '../operations/fleet.ts';
import type { ChainHint } from '../ports/chain.ts';
import type { Clock } from '../ports/clock.ts';
import type { HypervisorEvent } from '../ports/event-source.ts';
import type { createClockDoubt } from './clock-doubt.ts';
import { heartbeat } from './heartbeat.ts';
import { routeChainHint } from './routes.ts';
import type { Surroundings } from './surroundings.ts';
import { watchedFollower, watchedLibvirt } from './watched.ts';

export interface SourceDeps extends Omit<Surroundings, 'stop'> {
  readonly fleet: Fleet;
  readonly deadlines: Deadlines;
  readonly clockDoubt: ReturnType<typeof createClockDoubt>;
}

const all = (source: Wake['why']['source'], what: string, clock: Clock): Wake => ({
  target: { kind: 'all' },
  why: { source, what, seenAtUnixMs: clock.nowUnixMs() },
});

const chainSources = (sources: SourceDeps): readonly Observable<Wake>[] => {
  const { deps, journal, followers, fleet, clockDoubt, gate, vitals, random } = sources;
  const { clock, log } = deps;
  return followers.map(({ follower: plain, pollEveryMs }) => {
    const follower = watchedFollower(vitals, plain, pollEveryMs);
    const route = routeChainHint({ fleet, journal, log });
    const hear = (hint: ChainHint): readonly Wake['target'][] => {
      if (deps.chain.health().synced.known) gate.pass('chain');
      clockDoubt.settle().catch((error: unknown) => log.warn({ why: explain(error) }, 'clock doubt stays'));
      return route(hint);
    };
    return chainStream$({ follower, clock, pollEveryMs, route: hear, random });
  });
};

/** The domain went on or off: whatever is seen next counts from now (L7). */
const isTurn = (event: HypervisorEvent): boolean =>
  event.kind === 'event' && event.event === 'lifecycle' && /^(Started|Resumed|Stopped)\b/.test(event.detail);

const libvirtSource = (sources: SourceDeps): Observable<Wake> => {
  const { deps, journal, events, forget, fleet, vitals, random, scheduler, pace } = sources;
  const { clock, log, hypervisor } = deps;
  return libvirtStream$({
    ...watchedLibvirt(vitals, { source: events, beat: () => heartbeat({ hypervisor, journal }) }),
    resolve: (name) => fleet.uuidOf(name),
    clock,
    log,
    echoUri: machineNamespace,
    onEvent: (event, uuid) => {
      if (uuid !== undefined && isTurn(event)) forget(uuid);
      if (event.kind === 'event' && event.event !== 'metadata-change') {
        log.info({ vm: event.domain, uuid, event: event.event, detail: event.detail }, 'libvirt event');
      }
    },
    random,
    // The decision has a debounce of its own, and it is the one that counts (L7).
    timing: { stoppedDebounceMs: 0, ...(pace ? { quietMs: pace.quietMs } : {}) },
    ...(scheduler ? { scheduler } : {}),
  });
};

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

/** Words that an operator wrote into the journal from another process: look at the machines they are about. */
const journalSource = ({ journal, deps: { clock } }: SourceDeps): Observable<Wake> =>
  new Observable<Wake>((subscriber) =>
    journal.onOthers((before, after) => {
      const why = { source: 'journal', what: 'another process wrote', seenAtUnixMs: clock.nowUnixMs() } as const;
      for (const target of changedSince(before, after)) subscriber.next({ target, why });
    }),
  );

/** Everything that can make the daemon look: start, chain, libvirt, clock, journal and SIGHUP. */
export const createSources = (sources: SourceDeps): readonly Observable<Wake>[] => {
  const { config, deps, calendar, deadlines, clockDoubt, gate, hangup$, random, pace } = sources;
  const { clock, log } = deps;
  const onJump = (byMs: number): void => {
    clockDoubt.raise(byMs).catch((error: unknown) => log.error({ why: explain(error) }, 'clock jump not journalled'));
  };
  return [
    of(all('start', 'start', clock)),
    ...chainSources(sources),
    libvirtSource(sources),
    clockStream$({
      clock,
      deadlines,
      calendar,
      sweepEveryMs: config.sweepEveryMs,
      nightly: config.nightlyCron,
      random,
      onJump,
      ...(pace ? { longestTickMs: pace.longestTickMs } : {}),
    }),
    journalSource(sources),
    new Observable<Wake>((subscriber) =>
      clockDoubt.onSettled(() => subscriber.next(all('clock', 'the wall clock is vouched for', clock))),
    ),
    new Observable<Wake>((subscriber) =>
      gate.onOpen(() => subscriber.next(all('start', 'the start-up gate opened', clock))),
    ),
    hangup$.pipe(map(() => all('operator', 'SIGHUP', clock))),
  ];
};
