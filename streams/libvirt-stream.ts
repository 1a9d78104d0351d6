import {
  concat,
  connect,
  debounceTime,
  defer,
  filter,
  groupBy,
  map,
  merge,
  mergeMap,
  Observable,
  type ObservableInput,
  of,
  repeat,
  retry,
  type SchedulerLike,
  switchMap,
  take,
  tap,
  throwError,
  timeout,
  timer,
} from 'rxjs';
import { explain, HypervisorError } from '../src/domain/errors.ts';
import type { Uuid } from '../src/domain/identity.ts';
import type { Clock } from '../src/ports/clock.ts';
import type { EventSource, HypervisorEvent } from '../src/ports/event-source.ts';
import type { Log } from '../src/ports/log.ts';
import { canWake, type DomainEvent, describeEvent, omenOf } from './libvirt-event-meaning.ts';
import type { Wake } from './wake.ts';

export interface LibvirtStreamDeps {
  readonly source: EventSource;
  /** The UUID of a domain by its name; undefined wakes all machines. */
  readonly resolve: (name: string) => Uuid | undefined;
  readonly clock: Pick<Clock, 'nowUnixMs'>;
  readonly log: Log;
  /**
   * Makes libvirt say something: `true` where an event must now follow, `false` where there is no domain to touch.
   * Rejecting counts as a missing echo.
   */
  readonly beat?: () => ObservableInput<boolean>;
  /** A `metadata-change` of this namespace is the echo of a beat, proof of life and nothing more. */
  readonly echoUri?: string;
  /** Every event as it comes, before any debounce: for the log, and to forget what was seen before (L7). */
  readonly onEvent?: (event: HypervisorEvent, uuid: Uuid | undefined) => void;
  /** Of [0, 1): spreads reconnects. */
  readonly random: () => number;
  readonly timing?: Partial<LibvirtStreamTiming>;
  /** What time is counted by; that of RxJS when left out. */
  readonly scheduler?: SchedulerLike;
}

export interface LibvirtStreamTiming {
  /** A new watcher that said nothing for so long is taken to listen; virsh has no ready mark. */
  readonly settleMs: number;
  /** Silence after which the path is tried with a beat. */
  readonly quietMs: number;
  /** How long a beat's echo may take. */
  readonly echoMs: number;
  /** How long a stop must stand before it wakes anybody: reboots stop, then start (L7). */
  readonly stoppedDebounceMs: number;
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
}

const defaults: LibvirtStreamTiming = {
  settleMs: 1_000,
  quietMs: 60_000,
  echoMs: 10_000,
  stoppedDebounceMs: 2_000,
  backoffBaseMs: 250,
  backoffCapMs: 30_000,
};

/** A domain that said nothing for so long has its group closed; the next event opens another. */
const idleGroupMs = 600_000;

/**
 * libvirt's events as wakes. Never errors and never completes: a watcher that ends, or goes deaf, is replaced with
 * full-jitter backoff (L8), and each new one begins with a wake for all machines (L12), because events have no history.
 */
export const libvirtStream$ = (deps: LibvirtStreamDeps): Observable<Wake> => {
  const timing = { ...defaults, ...deps.timing };
  const { random, log } = deps;
  // A libvirtd that stays away fails every attempt in the same words: they are told once for each loss.
  const told = new Set<string>();
  return defer(() => connection$(deps, timing)).pipe(
    tap(({ target }) => target.kind === 'all' && told.clear()),
    retry({
      resetOnSuccess: true,
      delay: (error, attempt) => {
        const retryInMs = Math.round(
          random() * Math.min(timing.backoffCapMs, timing.backoffBaseMs * 2 ** (attempt - 1)),
        );
        const why = explain(error);
        log[told.has(why) ? 'debug' : 'warn']({ why, attempt, retryInMs }, 'libvirt events lost; connecting again');
        told.add(why);
        return timer(retryInMs, deps.scheduler);
      },
    }),
  );
};

/** One watcher from its start to its end, which is always an error. */
const connection$ = (deps: LibvirtStreamDeps, timing: LibvirtStreamTiming): Observable<Wake> =>
  watch$(deps.source).pipe(
    connect((events$) => {
      const quiet$ = merge(of(timing.settleMs), events$.pipe(map(() => timing.quietMs)));
      const path$ = quiet$.pipe(switchMap((firstMs) => tryPath$(deps, timing, firstMs)));
      const resync$ = merge(events$, path$).pipe(
        filter((_, index) => index === 0),
        tap(() => deps.log.info({}, 'libvirt events connected')),
        map(() => resync(deps.clock)),
      );
      return merge(resync$, wakes$(deps, timing, events$));
    }),
  );

const watch$ = (source: EventSource): Observable<HypervisorEvent> =>
  new Observable((subscriber) =>
    source.lines({
      onEvent: (event) => subscriber.next(event),
      onEnd: (why) =>
        subscriber.error(
          new HypervisorError(`the event watcher ended: ${why}`, { code: 'events-ended', retryable: true }),
        ),
    }),
  );

/** Emits each time when a silence is found to mean nothing; errors where the path is dead. */
const tryPath$ = (
  deps: LibvirtStreamDeps,
  { quietMs, echoMs }: LibvirtStreamTiming,
  firstMs: number,
): Observable<'quiet'> => {
  const echo$ = timer(echoMs, deps.scheduler).pipe(
    switchMap(() => throwError(() => dead(`no echo of the heartbeat within ${echoMs} ms`))),
  );
  const beat$ = defer(() => deps.beat?.() ?? of(false)).pipe(
    timeout({
      first: echoMs,
      ...(deps.scheduler ? { scheduler: deps.scheduler } : {}),
      with: () => throwError(() => dead(`the heartbeat was not written within ${echoMs} ms`)),
    }),
    take(1),
    switchMap((expected) => (expected ? echo$ : of('quiet' as const))),
  );
  const round$ = (ms: number) => timer(ms, deps.scheduler).pipe(switchMap(() => beat$));
  return concat(round$(firstMs), round$(quietMs).pipe(repeat()));
};

const wakes$ = (
  deps: LibvirtStreamDeps,
  { stoppedDebounceMs }: LibvirtStreamTiming,
  events$: Observable<HypervisorEvent>,
): Observable<Wake> =>
  events$.pipe(
    tap((event) => deps.onEvent?.(event, event.kind === 'event' ? deps.resolve(event.domain) : undefined)),
    filter((event): event is DomainEvent => event.kind === 'event' && canWake(event, deps.echoUri)),
    map((event) => ({ event, seenAtUnixMs: event.atUnixMs ?? deps.clock.nowUnixMs(), omen: omenOf(event) })),
    groupBy(({ event }) => event.domain, {
      duration: (group$) => group$.pipe(debounceTime(idleGroupMs, deps.scheduler)),
    }),
    mergeMap((group$) =>
      merge(
        group$.pipe(filter(({ omen }) => omen === 'other')),
        group$.pipe(
          filter(({ omen }) => omen !== 'other'),
          switchMap((seen) =>
            seen.omen === 'stopped' ? timer(stoppedDebounceMs, deps.scheduler).pipe(map(() => seen)) : of(seen),
          ),
        ),
      ),
    ),
    map(({ event, seenAtUnixMs }): Wake => {
      const uuid = deps.resolve(event.domain);
      return {
        target: uuid === undefined ? { kind: 'all' } : { kind: 'machine', uuid },
        why: { source: 'libvirt', what: describeEvent(event), seenAtUnixMs },
      };
    }),
  );

const resync = (clock: Pick<Clock, 'nowUnixMs'>): Wake => ({
  target: { kind: 'all' },
  why: {
    source: 'libvirt',
    what: 'libvirt events are connected: all machines are looked at',
    seenAtUnixMs: clock.nowUnixMs(),
  },
});

const dead = (why: string): HypervisorError => new HypervisorError(why, { code: 'events-deaf', retryable: true });
