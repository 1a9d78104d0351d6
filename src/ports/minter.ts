import type { Address } from '../domain/identity.ts';

/** What a credential token is minted with. */
export interface MintRequest {
  /** Whose token it is; asked for twice, it is minted once. The domain's UUID, or a name that is never used again. */
  readonly machineId: string;
  readonly owner: Address;
  /** Connection details that only the owner can read; `0x` for none. */
  readonly userEncrypted: `0x${string}`;
  /** The message that the owner signed to read them. Only the older contract keeps it. */
  readonly publicSecret: string;
  /** Only the older contract keeps it; 0 for never. */
  readonly expiresAtUnix: bigint;
}

export interface Minted {
  readonly tokenId: bigint;
  readonly txHash: string;
  readonly blockNumber: bigint;
  /** It had been minted before. */
  readonly already: boolean;
}

/** What would be sent. */
export interface MintPlan {
  readonly chainId: number;
  readonly from: Address;
  readonly to: Address;
  /** The function's signature, which tells the two forms of the contract apart. */
  readonly method: string;
  readonly nonce: number;
  readonly gas: bigint;
  /** At most, in wei. */
  readonly cost: bigint;
}

/**
 * Mints credential tokens. What is going to be sent is on disk before it is sent, so that a crash at any point leads to
 * one token, never two. Throws `MintError`: retryable where asking again goes on with the same transaction.
 */
export interface Minter {
  mint(request: MintRequest, signal?: AbortSignal): Promise<Minted>;
  /** Changes nothing, sends nothing. */
  plan(request: MintRequest): Promise<MintPlan | Minted>;
}
