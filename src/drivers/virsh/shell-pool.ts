import type { Clock } from '../../ports/clock.ts';
import { startDeadline } from './deadline.ts';
import type { Shell } from './shell.ts';
import type { RunVirsh, VirshResult } from './virsh-result.ts';

/** Several shells behind one bounded queue, first come, first served. */
export interface ShellPool {
  readonly run: RunVirsh;
  close(): void;
}

export interface ShellPoolDeps {
  readonly size: number;
  /** Commands beyond this many waiting ones fail at once. */
  readonly maxWaiting: number;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  readonly makeShell: () => Shell;
}

/**
 * Makes a pool that starts shells as they are needed, up to `size`. A command waits for a free shell at most as long
 * as it may then run.
 */
export const createShellPool = (deps: ShellPoolDeps): ShellPool => {
  const idle: Shell[] = [];
  const all: Shell[] = [];
  const waiting: ((shell: Shell | undefined) => void)[] = [];
  let closed = false;

  const free = (shell: Shell): void => {
    const next = waiting.shift();
    if (next) next(shell);
    else idle.push(shell);
  };
  const acquire = (timeoutMs: number): Promise<Shell | undefined> | Shell => {
    const ready = idle.pop();
    if (ready) return ready;
    if (all.length < deps.size) {
      const shell = deps.makeShell();
      all.push(shell);
      return shell;
    }
    return new Promise((resolve) => {
      const stopDeadline = startDeadline(deps.clock, timeoutMs, () => take(undefined));
      const take = (shell: Shell | undefined): void => {
        stopDeadline();
        const at = waiting.indexOf(take);
        if (at >= 0) waiting.splice(at, 1);
        resolve(shell);
      };
      waiting.push(take);
    });
  };

  return {
    run: async (argv, options) => {
      if (closed) return notRun('error: the virsh shells are closed', { died: true });
      if (waiting.length >= deps.maxWaiting) {
        return notRun(`error: ${deps.maxWaiting} virsh commands are waiting already`, { timedOut: true });
      }
      const startedMs = deps.clock.monotonicMs();
      const shell = await acquire(options.timeoutMs);
      if (shell === undefined) {
        const durationMs = Math.round(deps.clock.monotonicMs() - startedMs);
        if (closed) return { ...notRun('error: the virsh shells are closed', { died: true }), durationMs };
        return { ...notRun('error: no virsh shell became free', { timedOut: true }), durationMs };
      }
      try {
        return await shell.run(argv, options);
      } finally {
        free(shell);
      }
    },
    close: () => {
      closed = true;
      for (const take of [...waiting]) take(undefined);
      for (const shell of all) shell.close();
    },
  };
};

const notRun = (stderr: string, how: Partial<VirshResult>): VirshResult => ({
  ok: false,
  stdout: '',
  stderr,
  timedOut: false,
  died: false,
  durationMs: 0,
  ...how,
});
