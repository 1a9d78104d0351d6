import { decodeEventLog, decodeFunctionResult, encodeEventTopics, encodeFunctionData } from 'viem';
import {
  accessCredentialNftAbi as abi,
  accessCredentialNftV0Abi as abiV0,
} from '../../../contracts-abi/access-credential-nft.ts';
import { type ContractAdapter, dataOf, firstFailure, NEVER_EXPIRES_UNIX, ZERO_ADDRESS } from './contract-adapter.ts';
import { decodeOwner, enumerableListing, ownerOfCall, touchOfTransfer, transferTopics } from './erc721.ts';
import { type EventTopics, eventTopics } from './event-topics.ts';

const updatedTopics = eventTopics(encodeEventTopics({ abi, eventName: 'CredentialUpdated' }));

/** The older credential contract: expiry in the token, 0 = never; nothing in it can be cancelled. */
export const accessNftAdapter: ContractAdapter = {
  topics: [...transferTopics, ...updatedTopics],

  touch: (log) => {
    if (log.topics[0] !== updatedTopics[0]) return touchOfTransfer(log);
    const topics = log.topics as EventTopics;
    const { args } = decodeEventLog({ abi, eventName: 'CredentialUpdated', topics, data: log.data, strict: true });
    return { id: args.tokenId, what: 'credential updated' };
  },

  entitlement: (contract, id) => ({
    key: `${contract}:${id}`,
    calls: [
      { to: contract, data: encodeFunctionData({ abi, functionName: 'getAccessData', args: [id] }) },
      ownerOfCall(contract, id),
    ],
    answer: (results) => {
      const failure = firstFailure(results, 2);
      if (failure) return failure;
      const owner = decodeOwner(dataOf(results, 1));
      if (owner === ZERO_ADDRESS) return { ok: false, absent: true, why: `token ${id} has no owner` };
      const expiresAt = expiryOf(dataOf(results, 0));
      return { ok: true, value: { id, owner, expiresAtUnix: expiresAt || NEVER_EXPIRES_UNIX, cancelled: false } };
    },
  }),

  listing: enumerableListing,
};

const WORD_DIGITS = 64;

/** The first word is the offset of the first dynamic member, hence the number of members: four, or five in the older form. */
const expiryOf = (data: `0x${string}`): bigint => {
  const members = data.length >= 2 + WORD_DIGITS ? BigInt(data.slice(0, 2 + WORD_DIGITS)) / 32n : 0n;
  if (members === 5n) return decodeFunctionResult({ abi: abiV0, functionName: 'getAccessData', data })[4];
  return decodeFunctionResult({ abi, functionName: 'getAccessData', data })[3];
};
