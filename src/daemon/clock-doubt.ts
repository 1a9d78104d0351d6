import { explain } from '../domain/errors.ts';
import type { Chain } from '../ports/chain.ts';
import type { Clock } from '../ports/clock.ts';
import type { Journal } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';

/** The journal had no room: it is asked again this soon. */
const RETRY_MS = 1000;

export interface ClockDoubtDeps {
  readonly journal: Journal;
  readonly chain: Chain;
  readonly clock: Clock;
  readonly log: Log;
  readonly maxClockGapMs: number;
}

/**
 * A jump of the wall clock freezes harm until somebody vouches for the clock (C9): the head's block time by agreeing with
 * it, or an operator by `ack clock`.
 */
export const createClockDoubt = (deps: ClockDoubtDeps) => {
  const listeners = new Set<() => void>();
  return {
    raise: async (byMs: number): Promise<void> => {
      deps.log.warn({ byMs, rule: 'C9' }, 'the wall clock jumped: nothing harmful is done until it is vouched for');
      for (;;) {
        try {
          await deps.journal.append([{ kind: 'clock-jumped', byMs: Math.round(byMs) }]);
          return;
        } catch (error) {
          // Nothing harmful is done either while no intent can be written; but the doubt must not be lost meanwhile.
          deps.log.error({ why: explain(error) }, 'clock jump not journalled yet');
          await deps.clock.sleep(RETRY_MS);
        }
      }
    },
    /** Lays a doubt to rest where the head agrees with the clock. */
    settle: async (): Promise<void> => {
      const { head } = deps.chain.health();
      if (deps.journal.state().clockDoubt === undefined || !head.known) return;
      const gapMs = Math.abs(deps.clock.nowUnixMs() - Number(head.value.timestampUnix) * 1000);
      if (gapMs > deps.maxClockGapMs) return;
      await deps.journal.append([{ kind: 'ack', what: 'clock', by: 'the chain: its head agrees with the wall clock' }]);
      deps.log.info({ gapMs }, 'the head vouches for the wall clock');
      for (const listener of listeners) listener();
    },
    /** Whatever was held back by a doubt may go on; returns how to stop hearing of it. */
    onSettled: (listener: () => void): (() => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
};
