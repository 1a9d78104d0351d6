import {
  catchError,
  debounceTime,
  defer,
  EMPTY,
  filter,
  from,
  groupBy,
  map,
  mergeMap,
  type Observable,
  of,
  type SchedulerLike,
  tap,
} from 'rxjs';
import type { Deadlines } from '../../streams/deadlines.ts';
import { coalesceMap } from '../../streams/operators/coalesce-map.ts';
import type { Wake, WakeReason } from '../../streams/wake.ts';
import { explain } from '../domain/errors.ts';
import type { Uuid } from '../domain/identity.ts';
import type { Fleet } from '../operations/fleet.ts';
import type { Reconcile } from '../operations/reconcile.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Narrator } from './narrator.ts';

/*
 * INVARIANTS
 * - One machine is never worked on twice at once, many are at the same time (L2).
 * - The number of groups is unbounded and the bound lies inside, around the work: values of a group that waits for a
 *   bounded mergeMap would be lost for ever.
 * - No error leaves a group: it becomes a log line and a later look (L8).
 * - A group is given up only while nothing runs in it: else its machine would be worked on by two.
 * - Once the intake has ended, no look begins, also none that waits for a slot already.
 */

const IDLE_GROUP_MS = 10 * 60 * 1000;
const RETRY_MS = 5000;

export interface PipelineDeps {
  readonly fleet: Fleet;
  readonly reconcile: Reconcile;
  readonly deadlines: Deadlines;
  readonly clock: Clock;
  readonly log: Log;
  readonly narrator: Narrator;
  /** The cap over all machines (L2). */
  readonly withSlot: <T>(body: () => Promise<T>) => Promise<T>;
  /** The first complete survey was taken. */
  readonly onSurvey: () => Promise<void>;
  /** 0..1, for jitter. */
  readonly random: () => number;
  /** What idle time is counted by; that of RxJS when left out. */
  readonly scheduler?: SchedulerLike;
}

interface Look {
  readonly uuid: Uuid;
  readonly why: WakeReason;
}

const expand = (deps: PipelineDeps, wake: Wake): Observable<Look> => {
  if (wake.target.kind === 'machine') return of({ uuid: wake.target.uuid, why: wake.why });
  return defer(async () => {
    const machines = await deps.fleet.survey();
    // Not awaited: it may ask the chain, and a machine that is to run again must not wait for an endpoint (L6).
    deps.onSurvey().catch((error: unknown) => deps.narrator.surveyFailed(explain(error)));
    return machines;
  }).pipe(
    mergeMap((machines) => from(machines)),
    map((uuid) => ({ uuid, why: wake.why })),
    catchError((error: unknown) => {
      deps.narrator.surveyFailed(explain(error));
      return EMPTY;
    }),
  );
};

/** What is under way, and whether anything may still begin. */
interface Progress {
  readonly busy: Set<Uuid>;
  ended: boolean;
}

const lookAt = async (deps: PipelineDeps, { uuid, why }: Look, progress: Progress): Promise<void> => {
  progress.busy.add(uuid);
  try {
    const last = await deps.withSlot(async () =>
      progress.ended ? undefined : deps.reconcile(uuid, (round) => deps.narrator.round(round, why)),
    );
    const again = last?.plan.lookAgainAtUnixMs;
    if (last?.acted) deps.deadlines.set(uuid, deps.clock.nowUnixMs() + RETRY_MS);
    else if (again === undefined) deps.deadlines.clear(uuid);
    else deps.deadlines.set(uuid, Math.max(again, deps.clock.nowUnixMs() + 50));
  } catch (error) {
    deps.narrator.lookFailed(uuid, error);
    deps.deadlines.set(uuid, deps.clock.nowUnixMs() + RETRY_MS * (1 + 5 * deps.random()));
  } finally {
    progress.busy.delete(uuid);
  }
};

/** From wakes to looks: one machine at a time, coalesced; all machines in parallel under one cap. */
export const pipeline = (deps: PipelineDeps, wakes$: Observable<Wake>): Observable<void> =>
  defer(() => {
    const progress: Progress = { busy: new Set(), ended: false };
    const end = (): void => {
      progress.ended = true;
    };
    return wakes$.pipe(
      tap({ complete: end, error: end, unsubscribe: end }),
      mergeMap((wake) => expand(deps, wake)),
      groupBy((look) => look.uuid, {
        duration: (group) =>
          group.pipe(
            debounceTime(IDLE_GROUP_MS, deps.scheduler),
            filter(({ uuid }) => !progress.busy.has(uuid)),
          ),
      }),
      mergeMap((group) => group.pipe(coalesceMap((look) => lookAt(deps, look, progress)))),
    );
  });
