import type { ChainSettings } from '../domain/chain-settings.ts';
import { journalCursors } from '../operations/journal-cursors.ts';
import type { Clock } from '../ports/clock.ts';
import type { CursorStore } from '../ports/cursor-store.ts';
import type { Journal } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';
import type { LazyChain } from './lazy-chain.ts';

export interface SyncChainDeps {
  readonly settings: readonly ChainSettings[];
  readonly chain: LazyChain;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
}

const PATIENCE_MS = 20_000;
const PAUSE_MS = 200;

/** The cursor is the daemon's: read here, never written. */
const borrowed = (journal: Journal): CursorStore => ({ ...journalCursors(journal), save: async () => undefined });

/**
 * Follows each chain from the journal's cursor to its head, as the daemon does before it may harm (L6): only so is a
 * reorg, a chain that shrank, or a log that does not decode known to this process, too (C3, C8, D23). Resolves to why
 * the chain cannot be relied upon, or to nothing.
 */
export const syncChain = async (deps: SyncChainDeps): Promise<string | undefined> => {
  const { settings, chain, journal, clock, log } = deps;
  if (settings.length === 0) return undefined;
  const reader = await chain.reader();
  const { createFollower } = await import('../drivers/chain/follower.ts');
  const pools = settings.flatMap(({ chainId }) => reader.pool(chainId) ?? []);
  const followers = pools.map((pool) =>
    createFollower({ settings: pool.settings, cursorStore: borrowed(journal), clock, log, pool }),
  );
  const untilMs = clock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    await Promise.all(followers.map((follower) => follower.poll()));
    const { synced } = reader.health();
    if (synced.known) return undefined;
    const hopeless = pools.some(({ memory }) => memory.trouble() !== undefined || memory.standstill() !== undefined);
    if (hopeless || clock.monotonicMs() >= untilMs) return synced.why;
    await clock.sleep(PAUSE_MS);
  }
};
