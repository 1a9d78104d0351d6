import { createChain } from '../drivers/chain/chain.ts';
import { type HostOptions, joinHost } from './join-host.ts';

/** The host with its chain readers at hand, for the daemon and whoever else follows the chain. */
export const openHost = (options: HostOptions) =>
  joinHost(options, () => createChain({ settings: options.config.chains, clock: options.clock, log: options.log }));
export type Host = Awaited<ReturnType<typeof openHost>>;
