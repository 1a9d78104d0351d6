import { type Explicit, refusal } from '../operations/explicit/context.ts';
import { destroyExplicitly } from '../operations/explicit/destroy.ts';
import { killMachine } from '../operations/explicit/kill.ts';
import { startMachine } from '../operations/explicit/start.ts';
import { stopMachine } from '../operations/explicit/stop.ts';
import { runExplicit } from './run-explicit.ts';

/** The admin panel waits a minute, and a sentence from us is better than its own. */
const LIMIT_MS = 55_000;

const inTime = async (ctx: Explicit, name: string, body: Promise<void>): Promise<void> => {
  const ended = new AbortController();
  const late = ctx.deps.clock.sleep(LIMIT_MS, ended.signal).then(
    () => {
      throw refusal(
        `${name}: not done after ${LIMIT_MS / 1000} s`,
        'what was begun goes on by itself; look with virsh',
      );
    },
    () => undefined,
  );
  try {
    await Promise.race([body, late]);
  } finally {
    ended.abort();
  }
};

const power = (verb: string, name: string, body: (ctx: Explicit) => Promise<void>): Promise<void> =>
  runExplicit(`blockhost-vm-${verb}`, (ctx) => inTime(ctx, name, body(ctx)));

/** `start <name>` (contract §2). */
export const start = (name: string): Promise<void> => power('start', name, (ctx) => startMachine(ctx, name));

/** `stop <name>` (contract §2). */
export const stop = (name: string): Promise<void> => power('stop', name, (ctx) => stopMachine(ctx, name));

/** `kill <name>` (contract §2). */
export const kill = (name: string): Promise<void> => power('kill', name, (ctx) => killMachine(ctx, name));

/** `destroy <name>` (contract §2). */
export const destroy = (name: string): Promise<void> =>
  power('destroy', name, (ctx) => destroyExplicitly(ctx, name, ['blockhost-vm-destroy', name]));
