import { tipOf } from '../../domain/cursor/ring.ts';
import { FIRST_SPAN } from '../../domain/cursor/span.ts';
import type { ChainHint } from '../../ports/chain.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CursorStore } from '../../ports/cursor-store.ts';
import type { Log } from '../../ports/log.ts';
import type { WalkState } from './block-walk.ts';
import type { ChainMemory } from './chain-memory.ts';

export interface FollowerCursorDeps {
  readonly id: string;
  readonly chainId: number;
  readonly cursorStore: CursorStore;
  readonly memory: ChainMemory;
  readonly clock: Clock;
  readonly log: Log;
}

const SAVE_EVERY_BLOCKS = 64;
const SAVE_EVERY_MS = 60_000;

/** Keeps a follower's place: loaded once, saved with every hint that was derived, else every 64 blocks or 60 s (C2). */
export const createFollowerCursor = ({ id, chainId, cursorStore, memory, clock, log }: FollowerCursorDeps) => {
  let savedAtMs = Number.NEGATIVE_INFINITY;
  let failing = false;

  /** Rejects when the store cannot be read: then nothing is known of the past, and beginning anew would hide a reset. */
  const load = async (): Promise<WalkState | undefined> => {
    const cursor = await cursorStore.load(id);
    if (!cursor) return undefined;
    const tip = tipOf(cursor.ring);
    if (cursor.chainId !== chainId || !tip) {
      log.warn({ found: cursor.chainId, wanted: chainId }, 'the saved cursor is of another chain and is not used');
      return undefined;
    }
    memory.setAnchor(cursor.finalized);
    memory.seedNextIds(cursor.nextIds, cursor.finalized.number);
    memory.remember(cursor.ring);
    memory.seedHead(tip.number);
    return { ring: cursor.ring, settled: cursor.finalized, span: FIRST_SPAN, unsavedBlocks: 0 };
  };

  const due = (state: WalkState, derived: readonly ChainHint[]): boolean =>
    derived.length > 0 ||
    failing ||
    state.unsavedBlocks >= SAVE_EVERY_BLOCKS ||
    (state.unsavedBlocks > 0 && clock.monotonicMs() - savedAtMs >= SAVE_EVERY_MS);

  /** A cursor that cannot be saved is older after a restart: hints come twice, none is lost. So it is told and borne. */
  const save = async (state: WalkState, derived: readonly ChainHint[]): Promise<void> => {
    if (!due(state, derived)) return;
    const { ring, settled } = state;
    try {
      await cursorStore.save(id, { chainId, ring, finalized: settled, nextIds: memory.nextIds() }, derived);
      state.unsavedBlocks = 0;
      savedAtMs = clock.monotonicMs();
      failing = false;
    } catch (error) {
      if (!failing) log.error({ err: error, follower: id, rule: 'C2' }, 'the chain cursor cannot be saved; going on');
      failing = true;
    }
  };

  return { load, save };
};
