import { type SchedulerAction, type SchedulerLike, Subscription } from 'rxjs';
import type { Clock } from '../../ports/clock.ts';

/** Made once: a reason of its own for each would cost more than the wait. */
const CANCELLED = new Error('not waited for any more');

/** RxJS's time, taken from a clock: what a stream waits for passes as that clock passes. */
export const createClockScheduler = (clock: Clock): SchedulerLike => ({
  now: () => clock.monotonicMs(),
  schedule: <State>(work: (this: SchedulerAction<State>, state: State) => void, delayMs = 0, first?: State) => {
    let waiting: AbortController | undefined;
    const subscription = new Subscription(() => waiting?.abort(CANCELLED));

    const run = (state: State | undefined): void => {
      waiting = undefined;
      if (subscription.closed) return;
      work.call(action as SchedulerAction<State>, state as State);
      // What does not ask to be run again is over, and is let go of by whoever holds it.
      if (waiting === undefined) subscription.unsubscribe();
    };
    const action = Object.assign(subscription, {
      schedule: (state?: State, nextMs = 0): Subscription => {
        waiting?.abort(CANCELLED);
        waiting = new AbortController();
        clock.sleep(nextMs, waiting.signal).then(
          () => run(state),
          () => undefined,
        );
        return subscription;
      },
    });
    return action.schedule(first, delayMs);
  },
});
