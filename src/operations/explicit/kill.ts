import { type Explicit, refusal } from './context.ts';
import { presentMachine } from './own-machine.ts';
import { beginStop, noteOff } from './power-off.ts';
import { alone } from './readings.ts';

/** `kill` (D16): takes the power at once; it stays off until `start` or `resume`. */
export const killMachine = async (ctx: Explicit, name: string): Promise<void> => {
  const memory = await presentMachine(ctx, name);
  await alone(ctx, memory.uuid, async () => {
    if (!(await beginStop(ctx, memory))) {
      ctx.say(`${name} is off`);
      return;
    }
    await ctx.deps.hypervisor.powerOff(memory.uuid, 'forced');
    if (!(await noteOff(ctx, memory))) throw refusal(`${name} is still on`, 'run blockhost-vm-kill again');
    ctx.say(`${name}: power taken`);
  });
};
