import type { CursorBlock } from '../chain-cursor.ts';

/** The last K blocks, oldest first, each the parent of the next (C2). */
export type Ring = readonly CursorBlock[];

/** The newest block of a ring; undefined for an empty one. */
export const tipOf = (ring: Ring): CursorBlock | undefined => ring[ring.length - 1];

export const blockAt = (ring: Ring, number: bigint): CursorBlock | undefined => {
  const first = ring[0];
  return first && number >= first.number ? ring[Number(number - first.number)] : undefined;
};

/** True when `block` continues the ring: one higher than its tip, and its child. */
export const continues = (ring: Ring, block: CursorBlock): boolean => {
  const tip = tipOf(ring);
  return tip !== undefined && block.number === tip.number + 1n && block.parentHash === tip.hash;
};

/** The ring with one block more, the oldest dropped beyond `capacity`. Throws for a block that does not continue it. */
export const append = (ring: Ring, block: CursorBlock, capacity: number): Ring => {
  if (!continues(ring, block)) throw new RangeError(`block ${block.number} does not continue the cursor`);
  return [...ring, block].slice(-Math.max(1, capacity));
};

/** The ring up to and including `number`, and the blocks above it. */
export const rewind = (ring: Ring, number: bigint): { readonly kept: Ring; readonly removed: Ring } => ({
  kept: ring.filter((block) => block.number <= number),
  removed: ring.filter((block) => block.number > number),
});
