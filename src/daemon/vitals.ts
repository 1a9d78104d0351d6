import type { Clock } from '../ports/clock.ts';

/** What has to move for the daemon to be worth anything. */
export interface Vitals {
  /** A path that moves at least this often; call what is returned whenever it did. */
  path(name: string, limitMs: number): () => void;
  /** Work that ends within the limit, well or badly. */
  within<T>(name: string, limitMs: number, work: () => Promise<T>): Promise<T>;
  /** The names of all that stands still. */
  stalled(): readonly string[];
}

interface Due {
  readonly name: string;
  readonly limitMs: number;
  sinceMs: number;
}

/** By the clock that never jumps: a host whose time was set is not a daemon that stands still. */
export const createVitals = (clock: Pick<Clock, 'monotonicMs'>): Vitals => {
  const dues = new Set<Due>();
  const add = (name: string, limitMs: number): Due => {
    const due = { name, limitMs, sinceMs: clock.monotonicMs() };
    dues.add(due);
    return due;
  };
  return {
    path: (name, limitMs) => {
      const due = add(name, limitMs);
      return () => {
        due.sinceMs = clock.monotonicMs();
      };
    },
    within: async (name, limitMs, work) => {
      const due = add(name, limitMs);
      try {
        return await work();
      } finally {
        dues.delete(due);
      }
    },
    stalled: () => {
      const nowMs = clock.monotonicMs();
      return [...dues].filter(({ sinceMs, limitMs }) => nowMs - sinceMs > limitMs).map(({ name }) => name);
    },
  };
};
