import * as z from 'zod';
import type { Address } from '../../domain/identity.ts';
import type { Attempt } from './attempts.ts';
import { logSchema, mintTopics } from './mint-contract.ts';
import { hexData, latestHead, quantity, type Rpc } from './rpc.ts';

const receiptSchema = z
  .object({ status: quantity, blockNumber: quantity, transactionHash: hexData, logs: z.array(logSchema) })
  .nullable();
type Receipt = NonNullable<z.infer<typeof receiptSchema>>;
const transactionSchema = z.object({ from: hexData, nonce: quantity, input: hexData }).nullable();

/** Where an attempt stands on the chain; `nonce-taken` says that something else was mined in its place. */
export type Sight =
  | { readonly kind: 'mined'; readonly receipt: Receipt; readonly depth: bigint }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'nonce-taken'; readonly head: bigint };

/** Looks for anything that was sent for this attempt, by its hashes, then by the logs that a mint leaves. */
export const lookForMint = async (rpc: Rpc, attempt: Attempt): Promise<Sight> => {
  const { number: head } = await latestHead(rpc);
  const mined = (receipt: Receipt): Sight => ({ kind: 'mined', receipt, depth: head - receipt.blockNumber + 1n });
  // Before the receipts: a count that is over the nonce already must find its receipt.
  const count = await rpc(quantity, 'eth_getTransactionCount', [attempt.signer, 'latest']);
  for (const { txHash } of [...attempt.sent].reverse()) {
    const receipt = await rpc(receiptSchema, 'eth_getTransactionReceipt', [txHash]);
    if (receipt !== null) return mined(receipt);
  }
  if (count <= BigInt(attempt.nonce)) return { kind: 'waiting' };
  const receipt = await findByLogs(rpc, attempt);
  return receipt ? mined(receipt) : { kind: 'nonce-taken', head };
};

/** A mint to this owner by this key with this very nonce and data, under whatever hash. */
const findByLogs = async (rpc: Rpc, attempt: Attempt): Promise<Receipt | undefined> => {
  const fromBlock = `0x${BigInt(attempt.fromBlock).toString(16)}`;
  const filter = {
    address: attempt.contract,
    fromBlock,
    toBlock: 'latest',
    topics: mintTopics(attempt.owner as Address),
  };
  const logs = await rpc(z.array(logSchema), 'eth_getLogs', [filter]);
  for (const { transactionHash } of logs) {
    const found = await rpc(transactionSchema, 'eth_getTransactionByHash', [transactionHash]);
    if (found?.from.toLowerCase() !== attempt.signer || found.nonce !== BigInt(attempt.nonce)) continue;
    if (found.input.toLowerCase() !== attempt.data.toLowerCase()) continue;
    const receipt = await rpc(receiptSchema, 'eth_getTransactionReceipt', [transactionHash]);
    if (receipt !== null) return receipt;
  }
  return undefined;
};
