import * as z from 'zod';
import { MintError } from '../../domain/errors.ts';
import { type Head, quantity, type Rpc } from './rpc.ts';

/** What is offered for a unit of gas, in wei. Without a base fee (`priority` undefined) it is a plain gas price. */
export interface Fees {
  readonly max: bigint;
  readonly priority: bigint | undefined;
}

const GWEI = 1_000_000_000n;

/** What the node thinks is enough now: twice the base fee outlives six full blocks. */
export const suggestFees = async (rpc: Rpc, head: Head): Promise<Fees> => {
  if (head.baseFeePerGas === undefined) return { max: await rpc(quantity, 'eth_gasPrice', []), priority: undefined };
  const priority = await rpc(quantity, 'eth_maxPriorityFeePerGas', []).catch(() => GWEI);
  return { max: head.baseFeePerGas * 2n + priority, priority };
};

export const capOf = (maxFeeGwei: number): bigint => BigInt(Math.round(maxFeeGwei * 1e9));

/** Throws where less than what is wanted now would be offered: it would only be stuck. */
export const withinCap = ({ max, priority }: Fees, head: Head, cap: bigint): Fees => {
  if (max <= cap) return { max, priority };
  if (priority === undefined || (head.baseFeePerGas ?? 0n) + priority > cap) {
    const hint = 'wait for lower fees, or raise mint.max_fee_gwei in provisioner.yaml';
    throw new MintError('gas costs more than configuration allows', { code: 'fees-too-high', retryable: true, hint });
  }
  return { max: cap, priority };
};

/** A quarter more on both counts (nodes want a tenth), or what is suggested now where that is more; undefined above the cap. */
export const bumpFees = (last: Fees, suggested: Fees, cap: bigint): Fees | undefined => {
  const more = (fee: bigint, other: bigint): bigint => {
    const raised = (fee * 5n) / 4n + 1n;
    return raised > other ? raised : other;
  };
  const max = more(last.max, suggested.max);
  if (max <= cap) return { max, priority: raisedPriority(last, suggested, more) };
  // What is suggested may be over the cap where a quarter more is not.
  const least = more(last.max, 0n);
  return least <= cap ? { max: least, priority: raisedPriority(last, last, more) } : undefined;
};

const raisedPriority = (last: Fees, other: Fees, more: (a: bigint, b: bigint) => bigint): bigint | undefined =>
  last.priority === undefined ? undefined : more(last.priority, other.priority ?? 0n);

const amount = z
  .string()
  .regex(/^\d+$/)
  .transform((digits) => BigInt(digits));
export const feesSchema = z.object({ max: amount, priority: amount.optional() });
