import { cpus } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Report } from './worker.ts';

export interface ManyOptions {
  /** The program that runs in each thread. */
  readonly program: URL;
  /** What each of them is told at its start. */
  readonly workerData?: unknown;
  readonly seeds: Iterator<number>;
  /** Nothing new begins when this says no. */
  readonly goesOn: (done: number) => boolean;
  readonly onReport: (report: Report) => void;
}

/** Plays seeds on all processors; resolves when all that was begun has ended. */
export const playMany = async ({ program, workerData, seeds, goesOn, onReport }: ManyOptions): Promise<void> => {
  let done = 0;
  const run = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(program, { workerData });
      const next = (): void => {
        const { value, done: over } = seeds.next();
        if (over || !goesOn(done)) {
          void worker.terminate().then(() => resolve());
          return;
        }
        worker.postMessage(value);
      };
      worker.on('message', (report: Report) => {
        done += 1;
        onReport(report);
        next();
      });
      worker.on('error', reject);
      next();
    });
  await Promise.all(Array.from({ length: Math.max(1, cpus().length) }, run));
};
