import { LockBusyError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Locks } from '../../ports/lock.ts';
import type { Process } from './process.ts';

/** flock(2) among the processes of one host: what a process holds, the kernel lets go of when it dies. */
export interface HostLocks {
  /** Takes the lock for this process while `body` runs. */
  hold<T>(process: Process, key: string, waitMs: number, body: () => Promise<T>): Promise<T>;
  of(process: Process): Locks;
}

interface Waiter {
  readonly process: Process;
  readonly grant: () => void;
}

export const createHostLocks = (clock: Clock): HostLocks => {
  const holders = new Map<string, Process>();
  const queues = new Map<string, Waiter[]>();

  const release = (key: string): void => {
    holders.delete(key);
    const queue = queues.get(key) ?? [];
    while (queue.length > 0) {
      const next = queue.shift();
      if (!next?.process.isAlive()) continue;
      holders.set(key, next.process);
      next.grant();
      return;
    }
    queues.delete(key);
  };

  const busy = (key: string): LockBusyError =>
    new LockBusyError(`${key} is locked by another program`, { code: 'lock-busy', retryable: true });

  const take = async (process: Process, key: string, waitMs: number): Promise<void> => {
    // A dead process takes nothing any more: nobody would ever let go of it.
    if (!process.isAlive()) return new Promise(() => undefined);
    if (!holders.has(key)) {
      holders.set(key, process);
      return;
    }
    if (waitMs === 0) throw busy(key);
    const timer = new AbortController();
    let granted = false;
    const turn = new Promise<void>((resolve) => {
      const queue = queues.get(key) ?? [];
      queues.set(key, queue);
      queue.push({
        process,
        grant: () => {
          granted = true;
          timer.abort();
          resolve();
        },
      });
    });
    await Promise.race([turn, clock.sleep(waitMs, timer.signal).catch(() => undefined)]);
    if (granted) return;
    const queue = queues.get(key);
    const mine = queue?.findIndex((waiter) => waiter.process === process) ?? -1;
    if (mine >= 0) queue?.splice(mine, 1);
    throw busy(key);
  };

  const hold = async <T>(process: Process, key: string, waitMs: number, body: () => Promise<T>): Promise<T> => {
    await take(process, key, waitMs);
    try {
      return await body();
    } finally {
      if (holders.get(key) === process && process.isAlive()) release(key);
    }
  };

  const watched = new WeakSet<Process>();
  const letGoAtDeath = (process: Process): void => {
    if (watched.has(process)) return;
    watched.add(process);
    process.onDeath(() => {
      for (const [key, holder] of [...holders]) if (holder === process) release(key);
    });
  };

  return {
    hold: (process, key, waitMs, body) => {
      letGoAtDeath(process);
      return hold(process, key, waitMs, body);
    },
    of: (process) => {
      letGoAtDeath(process);
      return {
        withCreate: (name, { waitMs }, body) => hold(process, `create ${name}`, waitMs, body),
        withAllocation: ({ waitMs }, body) => hold(process, 'allocation', waitMs, body),
        withMachine: (uuid, { waitMs }, body) => hold(process, `machine ${uuid}`, waitMs, body),
      };
    },
  };
};
