import { decodeEventLog, encodeEventTopics } from 'viem';
import { blockhostSubscriptionsAbi as abi } from '../../../contracts-abi/blockhost-subscriptions.ts';
import type { Address } from '../../domain/identity.ts';
import {
  type ContractAdapter,
  dataOf,
  firstFailure,
  lowerCase,
  type Question,
  ZERO_ADDRESS,
} from './contract-adapter.ts';
import { contractFunction } from './contract-function.ts';
import { type EventTopics, eventTopics } from './event-topics.ts';

const WORDS = {
  SubscriptionCreated: 'subscription created',
  SubscriptionExtended: 'subscription extended',
  SubscriptionCancelled: 'subscription cancelled',
} as const;

const nextSubscriptionId = contractFunction(abi, 'nextSubscriptionId');
const getSubscription = contractFunction(abi, 'getSubscription');

const nextId = (contract: Address): Question<bigint> => ({
  key: `${contract}:nextId`,
  calls: [{ to: contract, data: nextSubscriptionId.encode([]) }],
  answer: (results) => {
    const failure = firstFailure(results, 1);
    if (failure) return failure;
    return { ok: true, value: nextSubscriptionId.decode(dataOf(results, 0)) };
  },
});

/** BlockhostSubscriptions: `isActive` is never used, only the absolute expiry (C4); a zero subscriber is no subscription (D9). */
export const subscriptionsAdapter: ContractAdapter = {
  topics: eventTopics(
    encodeEventTopics({ abi, eventName: 'SubscriptionCreated' }),
    encodeEventTopics({ abi, eventName: 'SubscriptionExtended' }),
    encodeEventTopics({ abi, eventName: 'SubscriptionCancelled' }),
  ),

  touch: ({ topics, data }) => {
    const { eventName, args } = decodeEventLog({ abi, topics: topics as EventTopics, data, strict: true });
    return { id: args.subscriptionId, what: WORDS[eventName] };
  },

  entitlement: (contract, id) => ({
    key: `${contract}:${id}`,
    calls: [{ to: contract, data: getSubscription.encode([id]) }],
    answer: (results) => {
      const failure = firstFailure(results, 1);
      if (failure) return failure;
      const [, subscriber, expiresAtUnix, , cancelled] = getSubscription.decode(dataOf(results, 0));
      const owner = lowerCase(subscriber);
      if (owner === ZERO_ADDRESS)
        return { ok: false, absent: true, why: `there is no subscription ${id}: its subscriber is zero` };
      return { ok: true, value: { id, owner, expiresAtUnix, cancelled } };
    },
  }),

  listing: (contract) => ({
    count: { ...nextId(contract), answer: (results) => countBelow(nextId(contract).answer(results)) },
    idAt: (index) => index + 1n,
  }),

  nextId,
};

/** Ids start at 1, so the next one tells how many there are. */
const countBelow = (next: ReturnType<Question<bigint>['answer']>): ReturnType<Question<bigint>['answer']> =>
  next.ok ? { ok: true, value: next.value > 0n ? next.value - 1n : 0n } : next;
