import { openCommandHost } from '../host/open-command-host.ts';
import type { Explicit } from '../operations/explicit/context.ts';
import { createFleet } from '../operations/fleet.ts';
import { runCommand } from './run-command.ts';

/** Runs an explicit operation on the host: progress on stdout, warnings on stderr, 1 where it refuses or fails. */
export const runExplicit = (name: string, body: (ctx: Explicit) => Promise<void>): Promise<void> =>
  runCommand(name, async (context) => {
    const host = await openCommandHost(context);
    try {
      const { deps } = host;
      const { by, out: say, tell: warn, stop } = context;
      await body({ deps, fleet: createFleet(deps), by, say, warn, stop });
      return 0;
    } finally {
      await host.close();
    }
  });
