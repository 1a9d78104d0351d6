/** Where a follower stands: the last K blocks with their hashes, oldest first (C2), and what must never shrink (C8). */
export interface ChainCursor {
  readonly chainId: number;
  readonly ring: readonly CursorBlock[];
  readonly finalized: CursorBlock;
  /** Contract address to the highest `nextSubscriptionId` seen. */
  readonly nextIds: Readonly<Record<string, string>>;
}

export interface CursorBlock {
  readonly number: bigint;
  readonly hash: string;
  readonly parentHash: string;
}
