import { decodeEventLog, encodeEventTopics } from 'viem';
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
import { contractFunction } from './contract-function.ts';
import { type EventTopics, eventTopics } from './event-topics.ts';
import type { RawLog } from './rpc-schema.ts';

const ownerOf = contractFunction(abi, 'ownerOf');
const totalSupply = contractFunction(abi, 'totalSupply');
const tokenByIndex = contractFunction(abi, 'tokenByIndex');

/** What all the token contracts here have in common (EIP-721). */
export const transferTopics = eventTopics(encodeEventTopics({ abi, eventName: 'Transfer' }));

export const touchOfTransfer = ({ topics, data }: RawLog): Touch => {
  const { args } = decodeEventLog({ abi, eventName: 'Transfer', topics: topics as EventTopics, data, strict: true });
  return { id: args.tokenId, what: lowerCase(args.from) === ZERO_ADDRESS ? 'token minted' : 'token transferred' };
};

export const ownerOfCall = (contract: Address, id: bigint): ContractCall => ({
  to: contract,
  data: ownerOf.encode([id]),
});

export const decodeOwner = (data: `0x${string}`): Address => lowerCase(ownerOf.decode(data));

const oneNumber = (contract: Address, data: `0x${string}`, key: string): Question<bigint> => ({
  key: `${contract}:${key}`,
  calls: [{ to: contract, data }],
  answer: (results: readonly CallResult[]): Answer<bigint> => {
    const failure = firstFailure(results, 1);
    if (failure) return failure;
    return { ok: true, value: totalSupply.decode(dataOf(results, 0)) };
  },
});

/** How many tokens there are. */
export const totalSupplyOf = (contract: Address): Question<bigint> =>
  oneNumber(contract, totalSupply.encode([]), 'totalSupply');

/** Lists tokens by ERC-721 Enumerable; a contract without it reverts, and cannot be listed. */
export const enumerableListing = (contract: Address): IdListing => ({
  count: totalSupplyOf(contract),
  idAt: (index) => oneNumber(contract, tokenByIndex.encode([index]), `index:${index}`),
});
