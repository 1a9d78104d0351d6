import { type HostOptions, joinHost } from './join-host.ts';
import { createLazyChain } from './lazy-chain.ts';

/**
 * The host for a command: the same drivers, locks and journal as the daemon's, and the chain's library only once it is
 * needed. A command that decides about no harm by itself leaves `gateWaitsFor` out: then none is ever permitted.
 */
export const openCommandHost = (
  options: Omit<HostOptions, 'gateWaitsFor'> & Partial<Pick<HostOptions, 'gateWaitsFor'>>,
) =>
  joinHost({ gateWaitsFor: () => ['the daemon, whose business harm is'], ...options }, (journal) =>
    createLazyChain({ settings: options.config.chains, journal, clock: options.clock, log: options.log }),
  );
