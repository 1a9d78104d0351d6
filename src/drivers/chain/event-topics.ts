/** The first topic of each encoded event filter: the hash of its signature. */
export const eventTopics = (
  ...encoded: readonly (readonly (`0x${string}` | readonly `0x${string}`[] | null)[])[]
): readonly `0x${string}`[] =>
  encoded.map(([signature]) => {
    if (typeof signature !== 'string') throw new TypeError('an event without a signature has no topic');
    return signature;
  });

/** A log's topics in the form that viem decodes; a log without any fails there, as it should (C3). */
export type EventTopics = [signature: `0x${string}`, ...args: `0x${string}`[]];
