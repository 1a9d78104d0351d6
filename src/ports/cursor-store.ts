import type { ChainCursor } from '../domain/chain-cursor.ts';
import type { ChainHint } from './chain.ts';

/** Keeps a follower's cursor together with what was derived from the blocks it has passed, in one atomic write (C2). */
export interface CursorStore {
  load(followerId: string): Promise<ChainCursor | undefined>;
  save(followerId: string, cursor: ChainCursor, derived: readonly ChainHint[]): Promise<void>;
  /** An operator's `ack chain` (D23) given after `sinceUnixMs`: forget the cursor and begin anew. */
  acknowledgedSince(followerId: string, sinceUnixMs: number): Promise<boolean>;
}
