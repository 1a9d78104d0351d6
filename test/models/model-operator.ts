import type { Explicit } from '../../src/operations/explicit/context.ts';
import { destroyExplicitly } from '../../src/operations/explicit/destroy.ts';
import { collectGarbage, type GcOptions } from '../../src/operations/explicit/gc.ts';
import { killMachine } from '../../src/operations/explicit/kill.ts';
import { type ResumeOptions, resumeMachine } from '../../src/operations/explicit/resume.ts';
import { startMachine } from '../../src/operations/explicit/start.ts';
import { stopMachine } from '../../src/operations/explicit/stop.ts';
import { createFleet } from '../../src/operations/fleet.ts';
import type { World } from './model-world.ts';

/** What a command did: its lines, and why it refused, if it did. */
export interface Spoken {
  readonly said: readonly string[];
  readonly warned: readonly string[];
  readonly refused: string | undefined;
  /** How long it took on the world's clock. */
  readonly tookMs: number;
}

/** Gives commands in a world, each as a process of its own: nothing but the journal is shared with the daemon. */
export const createOperator = (world: World) => {
  const give = async (body: (ctx: Explicit) => Promise<unknown>, patienceMs = 700_000): Promise<Spoken> => {
    const said: string[] = [];
    const warned: string[] = [];
    const ctx: Explicit = {
      deps: world.deps,
      fleet: createFleet(world.deps),
      by: 'op',
      say: (line) => void said.push(line),
      warn: (line) => void warned.push(line),
      stop: new AbortController().signal,
    };
    const fromMs = world.clock.monotonicMs();
    let done = false;
    let refused: string | undefined;
    let tookMs = 0;
    const running = body(ctx)
      .catch((error: unknown) => {
        refused = error instanceof Error ? error.message : String(error);
      })
      .finally(() => {
        done = true;
        tookMs = world.clock.monotonicMs() - fromMs;
      });
    for (let step = 0; step < 20 && !done; step += 1) await new Promise((resolve) => setImmediate(resolve));
    for (let passed = 0; !done && passed < patienceMs; passed += 100) await world.clock.advance(100);
    if (!done) throw new Error('the command does not end');
    await running;
    return { said, warned, refused, tookMs };
  };

  return {
    start: (name: string) => give((ctx) => startMachine(ctx, name)),
    stop: (name: string) => give((ctx) => stopMachine(ctx, name)),
    kill: (name: string) => give((ctx) => killMachine(ctx, name)),
    destroy: (name: string) => give((ctx) => destroyExplicitly(ctx, name, ['blockhost-vm-destroy', name])),
    resume: (name: string, options: Partial<ResumeOptions> = {}) =>
      give((ctx) => resumeMachine(ctx, name, { extendDays: 0, dryRun: false, ...options })),
    gc: (options: Partial<GcOptions> = {}) =>
      give((ctx) => collectGarbage(ctx, { execute: false, suspend: true, destroy: true, width: 4, ...options })),
  };
};
