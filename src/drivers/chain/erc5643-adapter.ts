import { decodeEventLog, decodeFunctionResult, encodeEventTopics, encodeFunctionData } from 'viem';
import { erc5643Abi as abi } from '../../../contracts-abi/erc5643.ts';
import { type ContractAdapter, dataOf, firstFailure, ZERO_ADDRESS } from './contract-adapter.ts';
import { decodeOwner, enumerableListing, ownerOfCall, touchOfTransfer, transferTopics } from './erc721.ts';
import { type EventTopics, eventTopics } from './event-topics.ts';

const updateTopics = eventTopics(encodeEventTopics({ abi, eventName: 'SubscriptionUpdate' }));

/** ERC-5643: an expiry of 0 means cancelled, and is passed on as such. */
export const erc5643Adapter: ContractAdapter = {
  topics: [...transferTopics, ...updateTopics],

  touch: (log) => {
    if (log.topics[0] !== updateTopics[0]) return touchOfTransfer(log);
    const topics = log.topics as EventTopics;
    const { args } = decodeEventLog({ abi, eventName: 'SubscriptionUpdate', topics, data: log.data, strict: true });
    return { id: args.tokenId, what: args.expiration === 0n ? 'subscription cancelled' : 'subscription updated' };
  },

  entitlement: (contract, id) => ({
    key: `${contract}:${id}`,
    calls: [
      { to: contract, data: encodeFunctionData({ abi, functionName: 'expiresAt', args: [id] }) },
      ownerOfCall(contract, id),
    ],
    answer: (results) => {
      const failure = firstFailure(results, 2);
      if (failure) return failure;
      const owner = decodeOwner(dataOf(results, 1));
      if (owner === ZERO_ADDRESS) return { ok: false, absent: true, why: `token ${id} has no owner` };
      const expiresAtUnix = decodeFunctionResult({ abi, functionName: 'expiresAt', data: dataOf(results, 0) });
      return { ok: true, value: { id, owner, expiresAtUnix, cancelled: expiresAtUnix === 0n } };
    },
  }),

  listing: enumerableListing,
};
