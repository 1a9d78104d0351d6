import type { Config } from '../config/load.ts';
import type { Paths } from '../config/paths.ts';
import { createRootAgent } from '../drivers/root-agent/client.ts';
import { createHostRoutes } from '../drivers/root-agent/host-routes.ts';
import type { Clock } from '../ports/clock.ts';
import type { HostRoutes } from '../ports/host-routes.ts';

/** The agent serves one caller at a time; whoever is before us may be busy for some seconds. */
const PATIENCE_MS = 15_000;

/** Host routes through this host's root agent. */
export const openHostRoutes = (options: {
  readonly config: Pick<Config, 'bridge'>;
  readonly paths: Pick<Paths, 'rootAgentSocket'>;
  readonly clock: Clock;
}): HostRoutes => {
  const { config, paths, clock } = options;
  const ask = createRootAgent({ socketPath: paths.rootAgentSocket, clock, timeoutMs: PATIENCE_MS });
  return createHostRoutes(ask, config.bridge);
};
