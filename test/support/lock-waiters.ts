import { readlinkSync } from 'node:fs';
import { descendants, until } from '../lab/processes.ts';

/** Awaits that a flock(1) of ours has this file open: it has the lock at once, or waits for it. */
export const awaitLockRequest = async (path: string): Promise<void> => {
  const asks = ({ pid, command }: { pid: number; command: string }): boolean => {
    try {
      return command === 'flock' && readlinkSync(`/proc/${pid}/fd/3`) === path;
    } catch {
      return false; // ended, or not yet what it becomes
    }
  };
  await until(`somebody asks for the lock of ${path}`, () => descendants(process.pid).some(asks), { everyMs: 5 });
};
