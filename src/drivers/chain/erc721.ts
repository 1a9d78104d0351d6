import { decodeEventLog, decodeFunctionResult, encodeEventTopics, encodeFunctionData } from 'viem';
import { credentialNftAbi as abi } from '../../../contracts-abi/credential-nft.ts';
import type { Address } from '../../domain/identity.ts';
import {
  type Answer,
  type CallResult,
  type ContractCall,
  dataOf,
  firstFailure,
  type IdListing,
  lowerCase,
  type Question,
  type Touch,
  ZERO_ADDRESS,
} from './contract-adapter.ts';
import { type EventTopics, eventTopics } from './event-topics.ts';
import type { RawLog } from './rpc-schema.ts';

/** What all the token contracts here have in common (EIP-721). */
export const transferTopics = eventTopics(encodeEventTopics({ abi, eventName: 'Transfer' }));

export const touchOfTransfer = ({ topics, data }: RawLog): Touch => {
  const { args } = decodeEventLog({ abi, eventName: 'Transfer', topics: topics as EventTopics, data, strict: true });
  return { id: args.tokenId, what: lowerCase(args.from) === ZERO_ADDRESS ? 'token minted' : 'token transferred' };
};

export const ownerOfCall = (contract: Address, id: bigint): ContractCall => ({
  to: contract,
  data: encodeFunctionData({ abi, functionName: 'ownerOf', args: [id] }),
});

export const decodeOwner = (data: `0x${string}`): Address =>
  lowerCase(decodeFunctionResult({ abi, functionName: 'ownerOf', data }));

const oneNumber = (contract: Address, data: `0x${string}`, key: string): Question<bigint> => ({
  key: `${contract}:${key}`,
  calls: [{ to: contract, data }],
  answer: (results: readonly CallResult[]): Answer<bigint> => {
    const failure = firstFailure(results, 1);
    if (failure) return failure;
    return { ok: true, value: decodeFunctionResult({ abi, functionName: 'totalSupply', data: dataOf(results, 0) }) };
  },
});

/** How many tokens there are. */
export const totalSupplyOf = (contract: Address): Question<bigint> =>
  oneNumber(contract, encodeFunctionData({ abi, functionName: 'totalSupply' }), 'totalSupply');

/** Lists tokens by ERC-721 Enumerable; a contract without it reverts, and cannot be listed. */
export const enumerableListing = (contract: Address): IdListing => ({
  count: totalSupplyOf(contract),
  idAt: (index) =>
    oneNumber(contract, encodeFunctionData({ abi, functionName: 'tokenByIndex', args: [index] }), `index:${index}`),
});
