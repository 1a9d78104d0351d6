import { LockBusyError } from '../../src/domain/errors.ts';
import type { Locks } from '../../src/ports/lock.ts';

/** Real mutual exclusion inside one process; `dropAll` is what the kernel does when the holder dies. */
export interface ModelLocks extends Locks {
  dropAll(): void;
}

export const createModelLocks = (): ModelLocks => {
  const queues = new Map<string, Promise<unknown>>();

  const hold = async <T>(key: string, waitMs: number, body: () => Promise<T>): Promise<T> => {
    const before = queues.get(key);
    if (before !== undefined && waitMs === 0) {
      throw new LockBusyError(`${key} is locked by another program`, { code: 'lock-busy', retryable: true });
    }
    const mine = Promise.resolve(before).then(body, body);
    const settled = mine.then(
      () => undefined,
      () => undefined,
    );
    queues.set(key, settled);
    try {
      return await mine;
    } finally {
      if (queues.get(key) === settled) queues.delete(key);
    }
  };

  return {
    withCreate: (name, { waitMs }, body) => hold(`create ${name}`, waitMs, body),
    withAllocation: ({ waitMs }, body) => hold('allocation', waitMs, body),
    withMachine: (uuid, { waitMs }, body) => hold(`machine ${uuid}`, waitMs, body),
    dropAll: () => queues.clear(),
  };
};
