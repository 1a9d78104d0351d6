import { Observable } from 'rxjs';
import type { Calendar } from '../src/ports/calendar.ts';
import type { Clock } from '../src/ports/clock.ts';
import type { Deadlines } from './deadlines.ts';
import type { Wake } from './wake.ts';

/** No tick is further away than this: a deadline may be set, or the wall clock may jump, while the stream sleeps. */
const LONGEST_TICK_MS = 1000;
/** Wall clock and monotonic clock drift apart by less than this between two ticks unless somebody set the clock. */
const JUMP_MS = 5000;

export interface ClockStreamDeps {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly calendar: Calendar;
  /** The safety sweep over all machines (L12). */
  readonly sweepEveryMs: number;
  readonly nightly: string;
  /** 0..1, for the sweep's jitter. */
  readonly random: () => number;
  /** The wall clock moved by this much against the monotonic one (C9). */
  readonly onJump: (byMs: number) => void;
  /** No tick is further away than this; a second when left out. */
  readonly longestTickMs?: number;
}

const sweepDueMs = ({ clock, sweepEveryMs, random }: ClockStreamDeps): number =>
  clock.monotonicMs() + sweepEveryMs * (0.8 + 0.4 * random());

/**
 * Wakes by the clock: deadlines of single machines, a safety sweep over all with jitter, and the nightly sweep. Nothing
 * is decided here, and no timer is ever longer than a tick (C14).
 */
export const clockStream$ = (deps: ClockStreamDeps): Observable<Wake> =>
  new Observable<Wake>((subscriber) => {
    const stop = new AbortController();
    const { clock, longestTickMs = LONGEST_TICK_MS } = deps;
    const emit = (target: Wake['target'], what: string): void =>
      subscriber.next({ target, why: { source: 'clock', what, seenAtUnixMs: clock.nowUnixMs() } });
    const endNightly = deps.calendar.schedule(deps.nightly, () => emit({ kind: 'all' }, 'nightly sweep'));

    const tick = async (): Promise<void> => {
      let sweepAtMs = sweepDueMs(deps);
      let offsetMs = clock.nowUnixMs() - clock.monotonicMs();
      while (!stop.signal.aborted) {
        const nextInMs = (deps.deadlines.earliestUnixMs() ?? Number.POSITIVE_INFINITY) - clock.nowUnixMs();
        await clock.sleep(Math.max(5, Math.min(longestTickMs, nextInMs)), stop.signal);
        const jumpMs = clock.nowUnixMs() - clock.monotonicMs() - offsetMs;
        offsetMs += jumpMs;
        if (Math.abs(jumpMs) > JUMP_MS) {
          deps.onJump(jumpMs);
          emit({ kind: 'all' }, 'the wall clock jumped');
        }
        for (const uuid of deps.deadlines.takeDue(clock.nowUnixMs())) emit({ kind: 'machine', uuid }, 'deadline');
        if (clock.monotonicMs() >= sweepAtMs) {
          sweepAtMs = sweepDueMs(deps);
          emit({ kind: 'all' }, 'sweep');
        }
      }
    };
    tick().catch((error: unknown) => {
      if (!stop.signal.aborted) subscriber.error(error);
    });
    return () => {
      stop.abort();
      endNightly();
    };
  });
