import type { Address } from './identity.ts';

/** Where a contract keeps an expiry (D11); one adapter each. */
export type ContractKind = 'subscriptions' | 'access-nft' | 'erc5643';

/** One contract whose ids are subscriptions. `namePrefix` names its machines: `<prefix>NNN` (D9). */
export interface ContractSettings {
  readonly kind: ContractKind;
  readonly address: Address;
  readonly namePrefix: string;
}

/** A named tag of the node, or a number of blocks below the head where a chain lacks the tag (C13). */
export type FinalityRule = 'tag' | { readonly depth: number };

/** One chain with its endpoints and contracts. URLs may carry secrets: they never reach a log (C12). */
export interface ChainSettings {
  readonly chainId: number;
  readonly endpoints: readonly { readonly url: string; readonly webSocketUrl?: string }[];
  readonly contracts: readonly ContractSettings[];
  /** The credential NFT that carries the login right (D25). */
  readonly credentialNft?: Address;
  /** Where Multicall3 lives; without it, and where the address has no code, reads go one by one. */
  readonly multicall?: Address;
  readonly safe: FinalityRule;
  readonly finalized: FinalityRule;
  /** How often the head is looked at, and how long one request may take. */
  readonly pollEveryMs: number;
  readonly requestTimeoutMs: number;
  /** A head older than this means that the node, or the chain, stands still: unknown (C7). */
  readonly maxHeadAgeMs: number;
  /** Blocks whose hashes are remembered to find a reorg (C2). */
  readonly cursorBlocks: number;
}
