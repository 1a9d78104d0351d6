import { destroyExplicitly } from '../operations/explicit/destroy.ts';
import { killMachine } from '../operations/explicit/kill.ts';
import { startMachine } from '../operations/explicit/start.ts';
import { stopMachine } from '../operations/explicit/stop.ts';
import { runExplicit } from './run-explicit.ts';

/** `start <name>` (contract §2). */
export const start = (name: string): Promise<void> =>
  runExplicit('blockhost-vm-start', (ctx) => startMachine(ctx, name));

/** `stop <name>` (contract §2). */
export const stop = (name: string): Promise<void> => runExplicit('blockhost-vm-stop', (ctx) => stopMachine(ctx, name));

/** `kill <name>` (contract §2). */
export const kill = (name: string): Promise<void> => runExplicit('blockhost-vm-kill', (ctx) => killMachine(ctx, name));

/** `destroy <name>` (contract §2). */
export const destroy = (name: string): Promise<void> =>
  runExplicit('blockhost-vm-destroy', (ctx) => destroyExplicitly(ctx, name, ['blockhost-vm-destroy', name]));
