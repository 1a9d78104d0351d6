import { Observable } from 'rxjs';
import type { ChainFollower, ChainHint } from '../src/ports/chain.ts';
import type { Clock } from '../src/ports/clock.ts';
import type { Wake } from './wake.ts';

export interface ChainStreamDeps {
  readonly follower: ChainFollower;
  readonly clock: Clock;
  readonly pollEveryMs: number;
  /** Which machines a hint concerns; given by those who know the machines. */
  readonly route: (hint: ChainHint) => readonly Wake['target'][];
  /** For the jitter of the pause after a failure: 0 <= x < 1. */
  readonly random: () => number;
}

const SHORTEST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5 * 60_000;

/**
 * Wakes from one chain: poll, emit, wait for the next look, and so on until unsubscribed, which aborts the wait.
 * It never errors and never completes: a follower that throws is asked again after a pause with full jitter,
 * at most 5 minutes long (L8).
 */
export const chainStream$ = (deps: ChainStreamDeps): Observable<Wake> =>
  new Observable<Wake>((subscriber) => {
    const stop = new AbortController();

    const look = async (): Promise<void> => {
      const hints = await deps.follower.poll();
      const seenAtUnixMs = deps.clock.nowUnixMs();
      for (const hint of hints) {
        const why = { source: 'chain', what: inWords(hint), seenAtUnixMs } as const;
        for (const target of targetsOf(deps, hint)) subscriber.next({ target, why });
      }
    };

    const run = async (): Promise<void> => {
      let failures = 0;
      while (!stop.signal.aborted) {
        try {
          await look();
          failures = 0;
          await deps.follower.nextLook(deps.pollEveryMs, stop.signal);
        } catch {
          if (stop.signal.aborted) return;
          failures += 1;
          await deps.clock.sleep(pauseMs(deps, failures), stop.signal).catch(() => undefined);
        }
      }
    };

    void run();
    return () => stop.abort();
  });

/** A hint that cannot be routed concerns everybody: none is ever lost. */
const targetsOf = ({ route }: ChainStreamDeps, hint: ChainHint): readonly Wake['target'][] => {
  try {
    return route(hint);
  } catch {
    return [{ kind: 'all' }];
  }
};

const pauseMs = ({ pollEveryMs, random }: ChainStreamDeps, failures: number): number =>
  Math.max(SHORTEST_PAUSE_MS, random() * Math.min(LONGEST_PAUSE_MS, pollEveryMs * 2 ** Math.min(failures, 20)));

const inWords = (hint: ChainHint): string => {
  switch (hint.kind) {
    case 'subscription':
      return `${hint.what}: ${hint.ref.subscriptionId} in block ${hint.block}`;
    case 'token':
      return `${hint.what}: ${hint.tokenId} in block ${hint.block}`;
    case 'reorg':
      return `reorg of ${hint.depth} blocks from block ${hint.from}`;
    case 'advanced':
      return `block ${hint.head}`;
    case 'unknown':
      return `chain unknown: ${hint.why}`;
    case 'known-again':
      return 'chain known again';
  }
};
