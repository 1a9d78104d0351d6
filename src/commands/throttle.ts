import type { AskedLimits } from '../domain/limits.ts';
import { throttle as throttleMachine } from '../operations/throttle.ts';
import { withMachines } from './open-machines.ts';
import { runCommand } from './run-command.ts';

/** `throttle <name>`: one line on stdout for each limit that changed (interop §8). */
export const throttle = (name: string, asked: AskedLimits, reset: boolean): Promise<void> =>
  runCommand('blockhost-vm-throttle', (context) =>
    withMachines(context, async (machines) => {
      const deps = { ...machines, log: context.log };
      const { changes, inForce } = await throttleMachine(deps, name, asked, { reset });
      for (const change of changes) context.out(change);
      if (changes.length > 0 && !inForce) context.tell(`${name} is off: this comes into force at its next start`);
      return 0;
    }),
  );
