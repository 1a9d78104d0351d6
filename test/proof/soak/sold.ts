/** One subscription that was sold in the soak, and what became of its machine as far as we had a hand in it. */
export interface Sold {
  readonly id: bigint;
  readonly name: string;
  readonly buyer: string;
  /** Nobody has seen its create through yet. */
  creating: boolean;
  /** When its last create failed; what it left behind is taken back within a while. */
  failedMs: number | undefined;
  /** Its credential, where one was minted. */
  token: bigint | undefined;
  /** When what was paid last runs out, unless a branch is replaced. */
  paidUntilUnix: number;
  cancelled: boolean;
  /** An explicit destroy was ordered (D14). */
  condemned: boolean;
  /** Its owner powered it off from inside, and has not paid since. */
  ownerStopped: boolean;
  /** The last thing that befell it from outside. */
  disturbedMs: number;
  /** A saboteur's victim, which nobody else acts on. */
  spared: boolean;
  /** Nothing of it is left: nobody acts on it any more. */
  closed: boolean;
}

export const newSold = (id: bigint, buyer: string): Sold => ({
  id,
  name: `blockhost-${String(id).padStart(3, '0')}`,
  buyer,
  creating: false,
  failedMs: undefined,
  token: undefined,
  paidUntilUnix: 0,
  cancelled: false,
  condemned: false,
  ownerStopped: false,
  disturbedMs: Number.NEGATIVE_INFINITY,
  spared: false,
  closed: false,
});
