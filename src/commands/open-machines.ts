import { openMachines } from '../host/open-machines.ts';
import type { CommandContext } from './run-command.ts';

type Machines = Awaited<ReturnType<typeof openMachines>>;

/** Opens the host without the chain, hands it to `body` and closes it in any case. */
export const withMachines = async <T>(
  { config, paths, clock, log }: CommandContext,
  body: (machines: Machines) => Promise<T>,
): Promise<T> => {
  const machines = await openMachines({ config, paths, clock, log });
  try {
    return await body(machines);
  } finally {
    await machines.close();
  }
};
