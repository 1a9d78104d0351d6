import { decide } from '../decide.ts';
import type { HistoryEvent } from '../journal/history.ts';
import type { Policy } from '../policy.ts';
import { parseWarrant } from './warrant.ts';

/** A step that this code would not have taken, or not so, on the facts that it was taken on. */
export interface Difference {
  readonly seq: number;
  readonly atUnixMs: number;
  readonly name: string;
  /** Version that decided then. */
  readonly code: string;
  readonly then: string;
  readonly now: string;
}

export interface Replayed {
  /** Warrants that were decided again. */
  readonly decided: number;
  /** Steps of another version, whose facts this one cannot read. */
  readonly unreadable: number;
  readonly differences: readonly Difference[];
}

const inWords = (row: string, step: string | undefined): string =>
  step === undefined ? `nothing (${row})` : `${step} (${row})`;

/**
 * Old facts through this code: every step that stands in the history with a warrant is decided again. With `policy`, by
 * that one instead of the one of that day. Steps alone are compared; what was *not* done then left no warrant.
 */
export const replayDecisions = (history: readonly HistoryEvent[], policy?: Policy): Replayed => {
  const differences: Difference[] = [];
  let decided = 0;
  let unreadable = 0;
  for (const { seq, atUnixMs, event } of history) {
    if (event.kind !== 'intent' || event.warrant === undefined) continue;
    const warrant = parseWarrant(event.warrant);
    if (warrant === undefined) {
      unreadable += 1;
      continue;
    }
    decided += 1;
    const plan = decide(warrant.facts, policy ?? warrant.policy);
    const then = inWords(event.basis.row, event.step);
    const now = inWords(plan.row, plan.step?.do);
    if (plan.step?.do === event.step) continue;
    differences.push({ seq, atUnixMs, name: warrant.facts.name, code: warrant.code, then, now });
  }
  return { decided, unreadable, differences };
};
