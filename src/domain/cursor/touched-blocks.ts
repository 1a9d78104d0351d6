import { type SubscriptionRef, subscriptionKey } from '../identity.ts';

/** Which ids the logs of recent blocks touched: what becomes suspect when such a block is taken back (C6). */
export interface TouchedBlocks {
  note(block: { readonly number: bigint; readonly hash: string }, touched: Touched): void;
  /** Everything touched in these blocks, each once. */
  in(hashes: readonly string[]): Touched;
  /** Settled blocks are never taken back, so nothing needs to be known of them. */
  forgetUpTo(number: bigint): void;
}

export interface Touched {
  readonly refs: readonly SubscriptionRef[];
  readonly tokens: readonly bigint[];
}

export const createTouchedBlocks = (): TouchedBlocks => {
  const blocks = new Map<string, { number: bigint; touched: Touched }>();
  return {
    note: ({ number, hash }, touched) => {
      if (touched.refs.length + touched.tokens.length > 0) blocks.set(hash, { number, touched });
    },
    in: (hashes) => {
      const found = hashes.flatMap((hash) => blocks.get(hash)?.touched ?? []);
      const refs = new Map(found.flatMap(({ refs }) => refs.map((ref) => [subscriptionKey(ref), ref])));
      return { refs: [...refs.values()], tokens: [...new Set(found.flatMap(({ tokens }) => tokens))] };
    },
    forgetUpTo: (number) => {
      for (const [hash, block] of blocks) if (block.number <= number) blocks.delete(hash);
    },
  };
};
