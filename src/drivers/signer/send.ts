import { keccak256, type Wallet } from 'ethers';
import { MintError } from '../../domain/errors.ts';
import type { Attempt } from './attempts.ts';
import type { Fees } from './fees.ts';
import { hexData, type Rpc, RpcRefusal } from './rpc.ts';

type Sent = Attempt['sent'][number];

/** Signs the mint with these fees; always the same nonce, so that at most one of them ever counts. */
export const sign = async (
  wallet: Wallet,
  attempt: Pick<Attempt, 'chainId' | 'contract' | 'data' | 'gas' | 'nonce'>,
  fees: Fees,
  atUnixMs: number,
): Promise<Sent> => {
  const { chainId, contract: to, data, nonce } = attempt;
  const offer =
    fees.priority === undefined
      ? { type: 0, gasPrice: fees.max }
      : { type: 2, maxFeePerGas: fees.max, maxPriorityFeePerGas: fees.priority };
  const raw = await wallet.signTransaction({ chainId, to, data, nonce, gasLimit: BigInt(attempt.gas), ...offer });
  return { txHash: keccak256(raw), raw, fees: { max: fees.max, priority: fees.priority }, atUnixMs };
};

/** The node has it, or had it: sent before, mined, or overtaken by one of ours that offers more. */
const HAS_IT = /already|known|nonce (?:is )?too low|nonce has already|underpriced/i;

/**
 * Hands a signed transaction to the node; doing it twice does nothing. Throws `MintError` where the node says no; where it
 * says nothing it may have taken it, and waiting will tell.
 */
export const send = async (rpc: Rpc, attempt: Attempt): Promise<void> => {
  const raw = attempt.sent.at(-1)?.raw;
  try {
    await rpc(hexData, 'eth_sendRawTransaction', [raw]);
  } catch (error) {
    if (!(error instanceof RpcRefusal) || HAS_IT.test(error.message)) return;
    throw new MintError(`the node does not take the mint for ${attempt.machineId}: ${error.message}`, {
      code: 'mint-not-taken',
      retryable: true,
      hint: 'ask again when that is cured; the same transaction is sent again then',
    });
  }
};
