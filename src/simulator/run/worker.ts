import { parentPort } from 'node:worker_threads';
import { play } from '../play/play.ts';
import { generate } from '../scenario/generate.ts';
import type { Scenario } from '../scenario/schema.ts';

/** What one history came to, as it travels between threads. */
export interface Report {
  readonly seed: number;
  readonly machineDays: number;
  readonly coverage: readonly (readonly [string, number])[];
  readonly broken?: { readonly invariant: string; readonly what: string };
}

export const reportOn = async (seed: number, historyOf: (seed: number) => Scenario): Promise<Report> => {
  const { violations, machineDays, coverage } = await play(historyOf(seed));
  const [first] = violations;
  const broken = first ? { broken: { invariant: first.invariant, what: first.what } } : {};
  return { seed, machineDays, coverage: [...coverage], ...broken };
};

/** Plays whatever seeds the main thread sends, one after the other. */
export const work = (historyOf: (seed: number) => Scenario = generate): void => {
  // What nobody reads need not be made: half of what a history costs would be stack traces of refused requests.
  Error.stackTraceLimit = 0;
  parentPort?.on('message', (seed: number) => {
    reportOn(seed, historyOf).then(
      (report) => parentPort?.postMessage(report),
      (error: unknown) => {
        const what = error instanceof Error ? error.message : String(error);
        parentPort?.postMessage({ seed, machineDays: 0, coverage: [], broken: { invariant: 'no-defects', what } });
      },
    );
  });
};
