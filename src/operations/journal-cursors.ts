import type { ChainHint } from '../ports/chain.ts';
import type { CursorStore } from '../ports/cursor-store.ts';
import type { Journal } from '../ports/journal.ts';

const inWords = (hint: ChainHint): string => {
  switch (hint.kind) {
    case 'subscription':
      return `${hint.what} ${hint.ref.subscriptionId} at ${hint.block}`;
    case 'token':
      return `${hint.what} token ${hint.tokenId} at ${hint.block}`;
    case 'reorg':
      return `reorg of ${hint.depth} from ${hint.from}`;
    default:
      return hint.kind;
  }
};

/** Keeps followers' cursors in the journal, in one append with what was found in the blocks they passed (C2). */
export const journalCursors = (journal: Journal): CursorStore => ({
  load: async (followerId) => (await journal.refresh()).cursors[followerId],
  save: async (followerId, cursor, derived) => {
    const event = { kind: 'chain-advanced', follower: followerId, derived: derived.map(inWords) } as const;
    const plain = { ...cursor, ring: [...cursor.ring], nextIds: { ...cursor.nextIds } };
    await journal.append([{ ...event, cursor: plain }]);
  },
  acknowledgedSince: async (_followerId, sinceUnixMs) => (await journal.refresh()).chainAckUnixMs > sinceUnixMs,
});
