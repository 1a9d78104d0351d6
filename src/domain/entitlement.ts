import type { Fact } from './fact.ts';
import type { Address } from './identity.ts';

/** How settled a block is: kindness acts at the head, suspension at `safe`, destruction at `finalized` (C5). */
export type FinalityLevel = 'head' | 'safe' | 'finalized';

/** The block a fact was read at. `timestampUnix` is the chain's own clock, in seconds. */
export interface BlockRef {
  readonly number: bigint;
  readonly hash: string;
  readonly timestampUnix: bigint;
}

/** What a subscription entitles to, read at one pinned block (C4). Only the absolute `expiresAtUnix` (seconds) is used. */
export interface Entitlement {
  readonly id: bigint;
  readonly owner: Address;
  readonly expiresAtUnix: bigint;
  readonly cancelled: boolean;
  readonly atBlock: BlockRef;
}

/** One endpoint's independent answer at the finalized level (C5, C12). `endpoint` is its redacted name. */
export interface WitnessRead {
  readonly endpoint: string;
  readonly expiresAtUnix: bigint;
  readonly cancelled: boolean;
  readonly blockNumber: bigint;
  readonly blockHash: string;
  readonly readAtUnixMs: number;
}

/**
 * All that was read of one subscription in one go.
 * `witnesses` holds one read per endpoint that was asked at the finalized level; empty when they were not asked.
 */
export interface EntitlementView {
  readonly head: Fact<Entitlement>;
  readonly safe: Fact<Entitlement>;
  readonly finalized: Fact<Entitlement>;
  readonly witnesses: readonly WitnessRead[];
  /** Endpoints that the configuration names for this chain. */
  readonly endpointsConfigured: number;
  readonly readAtUnixMs: number;
}

/** Who may log in, after the credential NFT (D25): `ownerOf` the machine's proven token at two levels. */
export interface LoginView {
  readonly tokenId: bigint;
  readonly head: Fact<Address>;
  readonly safe: Fact<Address>;
  readonly readAtUnixMs: number;
}
