import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../../src/simulator/random.ts';
import type { RealHost } from '../../integration/real-host.ts';
import type { Transaction } from '../../lab/chain-calls.ts';
import type { Observer } from './observer.ts';
import { newSold, type Sold } from './sold.ts';
import type { Weather } from './weather.ts';

/** A transaction of the soak's people, for a branch that may replace the one it is in. */
export interface Sent {
  readonly blockNumber: number;
  readonly transaction: Transaction;
  /** A sale is never lost: a machine is made for it at once. */
  readonly kept: boolean;
  /** What it means that it was lost. */
  readonly lost: () => void;
}

/** What acts work on. */
export interface SoakStage {
  readonly host: RealHost;
  readonly random: Random;
  readonly weather: Weather;
  readonly observer: Observer;
  readonly sold: Map<string, Sold>;
  /** How often each kind of thing was done. */
  readonly counts: Map<string, number>;
  /** Last moment's domains by name: `true` where it runs. */
  readonly running: ReadonlyMap<string, boolean>;
  /** Everything that the soak's people have sent to the chain. */
  readonly sent: Sent[];
  /** When a create that may have minted ended last. */
  lastCreateMs: number;
  /** How long a create takes on this host: what is bought has to outlast it. */
  createTakesMs: number;
  /** Nothing that failed is tried again. */
  ending: boolean;
  readonly signal: AbortSignal;
  count(what: string): void;
  tell(line: string): void;
  /** Goes on in the background; the end of the soak waits for it. */
  background(what: string, work: Promise<void>): void;
}

/** Waits; an abort ends it. */
export const pause = async ({ signal }: Pick<SoakStage, 'signal'>, ms: number): Promise<void> => {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
};

/** Keeps what was sold, by name. */
export const sell = ({ sold }: SoakStage, id: bigint, buyer: string): Sold => {
  const machine = newSold(id, buyer);
  sold.set(machine.name, machine);
  return machine;
};

/** Something befell it just now. */
export const disturb = (machine: Sold): void => {
  machine.disturbedMs = performance.now();
};
