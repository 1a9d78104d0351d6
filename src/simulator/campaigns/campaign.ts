import type { Invariant } from '../invariants/sight.ts';
import type { Scenario } from '../scenario/schema.ts';

/** One history of a campaign. */
export interface Case {
  /** What it is about, in a few words; no two cases of a campaign have the same. */
  readonly name: string;
  readonly scenario: () => Scenario;
  /** More that must hold in it, and a figure that is told when it has been played. */
  readonly gauge?: () => Gauge;
}

export interface Gauge {
  readonly invariants: readonly Invariant[];
  readonly figure: (played: Measured) => string;
}

/** What a history came to, for those who tell a figure. */
export interface Measured {
  readonly machineDays: number;
  /** How long it took in real time. */
  readonly tookMs: number;
  readonly heapMiB: number;
}

/** Histories that are made to meet one kind of trouble wherever it can be met. */
export interface Campaign {
  readonly name: string;
  readonly about: string;
  /** All its cases; the same ones each time, in the same order. */
  readonly cases: () => Promise<readonly Case[]>;
}
