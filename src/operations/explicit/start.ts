import type { Explicit } from './context.ts';
import { requireNotHeld } from './operator-words.ts';
import { presentMachine } from './own-machine.ts';
import { powerOn, warnUnpaid } from './power-on.ts';
import { readInTime } from './readings.ts';

/** `start` (D15, D16): turns it on, takes a stop back, and grants nothing: an unpaid one is started with a warning. */
export const startMachine = async (ctx: Explicit, name: string): Promise<void> => {
  const memory = await presentMachine(ctx, name);
  requireNotHeld(memory, ctx.deps.clock.nowUnixMs());
  const { observation } = await powerOn(ctx, memory, await readInTime(ctx, memory.uuid));
  warnUnpaid(ctx, observation);
};
