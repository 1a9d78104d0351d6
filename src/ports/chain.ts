import type { BlockRef, Entitlement, EntitlementView, LoginView } from '../domain/entitlement.ts';
import type { Fact } from '../domain/fact.ts';
import type { Address, SubscriptionRef } from '../domain/identity.ts';

/** How much a reader needs to know: kindness reads the head, harm reads every level, destruction asks witnesses too. */
export type ReadDepth = 'head' | 'all-levels' | 'with-witnesses';

/**
 * Reads of one or several chains. No call throws for what an endpoint does: every failure comes back as an unknown
 * fact with its reason and since when (L3, C7). Reads of one moment are batched behind it.
 */
export interface Chain {
  /** False: no chain is configured, which is a known fact (D12). */
  readonly configured: boolean;
  /** Is this contract in today's configuration? A binding to another one is unknown, never over (D9, D12). */
  knows(ref: SubscriptionRef): boolean;
  entitlement(ref: SubscriptionRef, depth: ReadDepth): Promise<EntitlementView>;
  /**
   * Owner of a credential token, at head and safe. `with-witnesses` asks every endpoint where there are several: safe is
   * known then only if at least two answer and all of them agree. A new owner wants that (C12, D25).
   */
  login(token: TokenRef, depth: 'head' | 'with-witnesses'): Promise<LoginView>;
  /** Every subscription of every configured contract at the head: for machines that are paid for and missing (D13). */
  subscriptions(): Promise<Fact<readonly SubscriptionSummary[]>>;
  /** What a machine's name would bind to: the first contract names `blockhost-NNN`, others have their prefix (D9). */
  refForName(vmName: string): SubscriptionRef | undefined;
  /** Every subscription that the name could mean; more than one where the prefixes of two contracts clash (D9). */
  refsForName(vmName: string): readonly SubscriptionRef[];
  /**
   * Is there such a subscription at the head? `Absent` where its subscriber is zero: no such subscription, never "over"
   * (D9). It is so at that block; whoever knows of a later one may know better.
   */
  subscription(ref: SubscriptionRef): Promise<Fact<Entitlement | Absent>>;
  /** How many credential tokens there are; 0 is known where no credential contract is configured (D19). */
  credentialSupply(chainId: number | undefined): Promise<Fact<bigint>>;
  /** For the log and the boot gate. */
  health(): ChainHealth;
}

/** There is no such subscription at this block. */
export interface Absent {
  readonly absent: true;
  readonly atBlock: BlockRef;
}

/** A credential token; `chainId` is that of the machine's subscription, absent where it has none. */
export interface TokenRef {
  readonly tokenId: bigint;
  readonly chainId?: number;
}

export interface SubscriptionSummary {
  readonly ref: SubscriptionRef;
  /** What its machine is called (D9). */
  readonly vmName: string;
  readonly owner: Address;
  readonly expiresAtUnix: bigint;
  readonly cancelled: boolean;
}

export interface ChainHealth {
  readonly synced: Fact<true>;
  readonly head: Fact<BlockRef>;
}

/** Something that changed on the chain and concerns a subscription or a token; only ever a hint to look (C4). */
export type ChainHint =
  | { readonly kind: 'subscription'; readonly ref: SubscriptionRef; readonly what: string; readonly block: bigint }
  | { readonly kind: 'token'; readonly tokenId: bigint; readonly what: string; readonly block: bigint }
  | {
      readonly kind: 'reorg';
      readonly depth: number;
      readonly from: bigint;
      readonly suspects: readonly SubscriptionRef[];
    }
  | { readonly kind: 'advanced'; readonly head: bigint; readonly safe: bigint; readonly finalized: bigint }
  | { readonly kind: 'unknown'; readonly why: string; readonly sinceUnixMs: number }
  | { readonly kind: 'known-again'; readonly unknownForMs: number };

/**
 * Follows one chain. `poll` looks once, persists its cursor together with what it found (C2), and returns the hints in
 * order. It never throws for what an endpoint does.
 */
export interface ChainFollower {
  readonly id: string;
  poll(): Promise<readonly ChainHint[]>;
  /** Resolves early when a new block was announced, else after `afterMs`; a hint to look, never the truth (C1). */
  nextLook(afterMs: number, signal: AbortSignal): Promise<void>;
}
