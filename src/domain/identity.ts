/** Identities that travel through the whole program; each is a plain value so that it survives JSON. */

/** A lower-case domain UUID: the key of a machine for ever (L2). */
export type Uuid = string;

/** A lower-case 0x-prefixed address of 20 bytes. */
export type Address = `0x${string}`;

/** One subscription of one contract on one chain: what a bound machine hangs on (D8). */
export interface SubscriptionRef {
  readonly chainId: number;
  readonly contract: Address;
  readonly subscriptionId: bigint;
}

/**
 * Whose machine it is (D8): `bound` to a subscription, `record-only` (its record's `expires_at` decides) or
 * `foreign` (not ours: reported, never touched).
 */
export type MachineClass =
  | { readonly kind: 'bound'; readonly subscription: SubscriptionRef }
  | { readonly kind: 'record-only' }
  | { readonly kind: 'foreign' };

/** `chainId:contract:subscriptionId`, for maps and logs. */
export const subscriptionKey = (ref: SubscriptionRef): string => `${ref.chainId}:${ref.contract}:${ref.subscriptionId}`;
