import { Interface, ZeroAddress, zeroPadValue } from 'ethers';
import * as z from 'zod';
import { credentialMintAbi, legacyCredentialMintAbi } from '../../../contracts-abi/credential-mint.ts';
import { MintError } from '../../domain/errors.ts';
import type { Address } from '../../domain/identity.ts';
import type { MintRequest } from '../../ports/minter.ts';
import { hexData, quantity, type Rpc, RpcRefusal } from './rpc.ts';

const current = new Interface(credentialMintAbi);
const legacy = new Interface(legacyCredentialMintAbi);

/** One way to ask the contract for a token. */
export interface MintCall {
  readonly method: string;
  readonly data: string;
  readonly gas: bigint;
}

export const logSchema = z.object({
  address: hexData,
  topics: z.array(hexData),
  transactionHash: hexData,
});
export type RawLog = z.infer<typeof logSchema>;

const callsOf = (request: MintRequest) => [
  {
    method: 'mint(address,bytes)',
    data: current.encodeFunctionData('mint', [request.owner, request.userEncrypted]),
  },
  {
    method: 'mint(address,bytes,string,string,string,string,uint256)',
    data: legacy.encodeFunctionData('mint', [
      request.owner,
      request.userEncrypted,
      request.publicSecret,
      `Access to ${request.machineId}`,
      '',
      '',
      request.expiresAtUnix,
    ]),
  },
];

/**
 * The call that this contract understands: today's form, else the older one. A contract without the function refuses
 * without a reason; one that has it says why. Throws `MintError` with that reason.
 */
export const findMintCall = async (rpc: Rpc, from: Address, to: Address, request: MintRequest): Promise<MintCall> => {
  let reason = '';
  for (const { method, data } of callsOf(request)) {
    try {
      const gas = await rpc(quantity, 'eth_estimateGas', [{ from, to, data }]);
      return { method, data, gas: (gas * 6n) / 5n };
    } catch (error) {
      if (!(error instanceof RpcRefusal)) throw error;
      reason = reasonOf(error);
      if (error.data !== '0x' || !/revert/i.test(error.message)) break;
    }
  }
  throw refused(`the contract would refuse the mint: ${reason}`);
};

/** Why a mint that was mined did nothing, from running it again on the block before. */
export const whyReverted = async (rpc: Rpc, call: object, blockNumber: bigint): Promise<MintError> => {
  try {
    await rpc(hexData, 'eth_call', [call, `0x${(blockNumber - 1n).toString(16)}`]);
    return refused(`the mint was reverted in block ${blockNumber}, out of gas or by what came before it`);
  } catch (error) {
    const why = error instanceof RpcRefusal ? reasonOf(error) : 'the node does not say why';
    return refused(`the mint was reverted in block ${blockNumber}: ${why}`);
  }
};

/** The token that these logs say was minted to this owner. */
export const mintedToken = (logs: readonly RawLog[], contract: Address, owner: Address): bigint | undefined => {
  const wanted = mintTopics(owner);
  const log = logs.find(
    ({ address, topics }) =>
      address.toLowerCase() === contract && wanted.every((topic, i) => topics[i]?.toLowerCase() === topic),
  );
  return log?.topics[3] === undefined ? undefined : BigInt(log.topics[3]);
};

/** A transfer from nobody to this owner, as a filter for logs. */
export const mintTopics = (owner: Address): readonly string[] => [
  current.getEvent('Transfer')?.topicHash ?? '',
  zeroPadValue(ZeroAddress, 32),
  zeroPadValue(owner, 32),
];

const reasonOf = ({ data, message }: RpcRefusal): string => {
  const error = data === '0x' ? null : current.parseError(data);
  if (error === null) return message;
  if (error.name === 'OwnableUnauthorizedAccount') return "the key is not that of the contract's owner";
  if (error.name === 'ERC721InvalidReceiver') return 'the wallet is a contract that takes no tokens';
  return String(error.args[0]);
};

const refused = (message: string): MintError =>
  new MintError(message, { code: 'mint-refused', retryable: false, hint: 'nothing was minted' });
