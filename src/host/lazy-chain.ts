import type { ChainSettings } from '../domain/chain-settings.ts';
import { unknown } from '../domain/fact.ts';
import type { ChainReader } from '../drivers/chain/chain.ts';
import { refForName } from '../drivers/chain/name-binding.ts';
import type { Chain } from '../ports/chain.ts';
import type { Clock } from '../ports/clock.ts';
import type { Journal } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';

export interface LazyChainDeps {
  readonly settings: readonly ChainSettings[];
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
}

/** The chain for commands: its library is loaded by the first question that needs it. */
export interface LazyChain extends Chain {
  /** The reader itself, with what the journal knows of each chain. */
  reader(): Promise<ChainReader>;
}

/**
 * Reads of a short-lived process. What the daemon has learnt of a chain binds them as well: its last settled block, the
 * ids that exist and the highest head are taken from the journal's cursors, so that another chain, or one that shrank,
 * is unknown to a command, too (C7, C8, D23).
 */
export const createLazyChain = ({ settings, journal, clock, log }: LazyChainDeps): LazyChain => {
  let loading: Promise<ChainReader> | undefined;

  const load = async (): Promise<ChainReader> => {
    const { createChain } = await import('../drivers/chain/chain.ts');
    const reader = createChain({ settings, clock, log });
    const { cursors } = journal.state();
    for (const { chainId } of settings) {
      const cursor = cursors[`chain-${chainId}`];
      const memory = reader.pool(chainId)?.memory;
      if (cursor === undefined || memory === undefined || cursor.chainId !== chainId) continue;
      memory.setAnchor(cursor.finalized);
      memory.seedNextIds(cursor.nextIds, cursor.finalized.number);
      memory.remember(cursor.ring);
      const tip = cursor.ring.at(-1);
      if (tip) memory.sawHead(tip.number);
    }
    return reader;
  };

  let loaded: ChainReader | undefined;
  const reader = async (): Promise<ChainReader> => {
    loading ??= load();
    loaded = await loading;
    return loaded;
  };

  return {
    configured: settings.length > 0,
    knows: (ref) =>
      settings.some(
        ({ chainId, contracts }) =>
          chainId === ref.chainId && contracts.some(({ address }) => address === ref.contract),
      ),
    refForName: (name) => refForName(settings, name),
    entitlement: async (ref, depth) => (await reader()).entitlement(ref, depth),
    login: async (token, depth) => (await reader()).login(token, depth),
    subscriptions: async () => (await reader()).subscriptions(),
    health: () => {
      const nothingAsked = unknown('nothing was asked yet', clock.nowUnixMs());
      return loaded?.health() ?? { synced: nothingAsked, head: nothingAsked };
    },
    reader,
  };
};
