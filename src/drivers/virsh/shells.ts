import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { createShell } from './shell.ts';
import { createShellPool, type ShellPool } from './shell-pool.ts';
import { isConnectionFailure, type RunVirsh } from './virsh-result.ts';

/**
 * Kept virsh shells in three pools that never wait for each other: a save that takes minutes delays no look, and a
 * mute guest agent delays no shutdown.
 */
export interface VirshShells {
  /** Idempotent reads; tried once more when the connection or the shell, not libvirt, failed. */
  readonly read: RunVirsh;
  readonly mutate: RunVirsh;
  readonly agent: RunVirsh;
  /** Ends all shells. Commands that wait resolve as `died`. */
  close(): void;
}

export interface ShellsDeps {
  readonly uri: string;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  readonly log: Log;
  readonly sizes?: { readonly read: number; readonly mutate: number; readonly agent: number };
  readonly program?: string;
}

const defaultSizes = { read: 2, mutate: 6, agent: 4 };
const maxWaiting = 256;

/** Makes the pools; no process is started before the first command. */
export const createShells = (deps: ShellsDeps): VirshShells => {
  const sizes = deps.sizes ?? defaultSizes;
  const pool = (name: keyof typeof defaultSizes): ShellPool =>
    createShellPool({
      size: sizes[name],
      maxWaiting,
      clock: deps.clock,
      makeShell: () => createShell({ ...deps, log: deps.log.child({ pool: name }) }),
    });
  const [read, mutate, agent] = [pool('read'), pool('mutate'), pool('agent')];
  return {
    read: async (argv, options) => {
      const first = await read.run(argv, options);
      const again = !first.ok && !first.timedOut && (first.died || isConnectionFailure(first.stderr));
      return again ? read.run(argv, options) : first;
    },
    mutate: mutate.run,
    agent: agent.run,
    close: () => {
      for (const each of [read, mutate, agent]) each.close();
    },
  };
};
