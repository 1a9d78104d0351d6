import { Interface } from 'ethers';
import { encodeEventTopics, toEventSelector, toFunctionSelector } from 'viem';
import { describe, expect, it } from 'vitest';
import { accessCredentialNftAbi, accessCredentialNftV0Abi } from '../../../../contracts-abi/access-credential-nft.ts';
import { blockhostSubscriptionsAbi } from '../../../../contracts-abi/blockhost-subscriptions.ts';
import { credentialMintAbi, legacyCredentialMintAbi } from '../../../../contracts-abi/credential-mint.ts';
import { credentialNftAbi } from '../../../../contracts-abi/credential-nft.ts';
import { erc5643Abi } from '../../../../contracts-abi/erc5643.ts';
import { multicall3Abi } from '../../../../contracts-abi/multicall3.ts';
import { accessNftAdapter } from '../../../../src/drivers/chain/access-nft-adapter.ts';
import { credentialAdapter } from '../../../../src/drivers/chain/credential-adapter.ts';
import { erc5643Adapter } from '../../../../src/drivers/chain/erc5643-adapter.ts';
import { subscriptionsAdapter } from '../../../../src/drivers/chain/subscriptions-adapter.ts';

/** Signatures written out by hand from the contracts' documentation, hashed by ethers. */
const FUNCTIONS: readonly (readonly [readonly unknown[], string, string])[] = [
  [blockhostSubscriptionsAbi, 'getSubscription', 'function getSubscription(uint256)'],
  [blockhostSubscriptionsAbi, 'nextSubscriptionId', 'function nextSubscriptionId()'],
  [credentialMintAbi, 'mint', 'function mint(address,bytes)'],
  [legacyCredentialMintAbi, 'mint', 'function mint(address,bytes,string,string,string,string,uint256)'],
  [credentialNftAbi, 'ownerOf', 'function ownerOf(uint256)'],
  [credentialNftAbi, 'totalSupply', 'function totalSupply()'],
  [credentialNftAbi, 'tokenByIndex', 'function tokenByIndex(uint256)'],
  [accessCredentialNftAbi, 'getAccessData', 'function getAccessData(uint256)'],
  [accessCredentialNftV0Abi, 'getAccessData', 'function getAccessData(uint256)'],
  [accessCredentialNftAbi, 'updateExpiration', 'function updateExpiration(uint256,uint256)'],
  [erc5643Abi, 'expiresAt', 'function expiresAt(uint256)'],
  [multicall3Abi, 'aggregate3', 'function aggregate3((address,bool,bytes)[])'],
];

const EVENTS: readonly (readonly [readonly unknown[], string, string])[] = [
  [
    blockhostSubscriptionsAbi,
    'SubscriptionCreated',
    'event SubscriptionCreated(uint256,uint256,address,uint256,uint256,address,bytes)',
  ],
  [
    blockhostSubscriptionsAbi,
    'SubscriptionExtended',
    'event SubscriptionExtended(uint256,uint256,address,uint256,uint256,address)',
  ],
  [blockhostSubscriptionsAbi, 'SubscriptionCancelled', 'event SubscriptionCancelled(uint256,uint256,address)'],
  [credentialMintAbi, 'Transfer', 'event Transfer(address,address,uint256)'],
  [legacyCredentialMintAbi, 'Transfer', 'event Transfer(address,address,uint256)'],
  [credentialNftAbi, 'Transfer', 'event Transfer(address,address,uint256)'],
  [accessCredentialNftAbi, 'Transfer', 'event Transfer(address,address,uint256)'],
  [accessCredentialNftAbi, 'CredentialUpdated', 'event CredentialUpdated(uint256)'],
  [erc5643Abi, 'Transfer', 'event Transfer(address,address,uint256)'],
  [erc5643Abi, 'SubscriptionUpdate', 'event SubscriptionUpdate(uint256,uint64)'],
];

const itemOf = (abi: readonly unknown[], name: string) => {
  const item = (abi as readonly { readonly name: string }[]).find((one) => one.name === name);
  if (!item) throw new Error(`no ${name} in the ABI`);
  return item as never;
};

const topicOf = (signature: string): string => {
  const event = new Interface([signature]).fragments[0];
  return new Interface([signature]).getEvent((event as { name?: string })?.name ?? '')?.topicHash ?? '';
};

describe('the ABIs, against ethers', () => {
  it.each(FUNCTIONS)('%#: the selector of %s', (abi, name, signature) => {
    expect(toFunctionSelector(itemOf(abi, name))).toBe(new Interface([signature]).getFunction(name)?.selector);
  });

  it.each(EVENTS)('%#: the topic of %s', (abi, name, signature) => {
    expect(toEventSelector(itemOf(abi, name))).toBe(topicOf(signature));
  });

  it('covers every function and event that is declared', () => {
    const abis = [
      blockhostSubscriptionsAbi,
      credentialNftAbi,
      accessCredentialNftAbi,
      accessCredentialNftV0Abi,
      erc5643Abi,
      multicall3Abi,
      credentialMintAbi,
      legacyCredentialMintAbi,
    ];
    // What a contract fails with is read by ethers in both places; there is nobody to compare it with.
    const declared = abis.flat().filter(({ type }) => type !== 'error').length;
    expect(FUNCTIONS.length + EVENTS.length).toBe(declared);
  });

  it('has the indexed members where the contracts have them', () => {
    const topics = encodeEventTopics({
      abi: blockhostSubscriptionsAbi,
      eventName: 'SubscriptionExtended',
      args: { subscriptionId: 7n, planId: 2n, extendedBy: '0x00000000000000000000000000000000000000aa' },
    });
    expect(topics).toHaveLength(4);
  });

  it('gives each adapter the topics of its own events', () => {
    const transfer = topicOf('event Transfer(address,address,uint256)');
    expect(subscriptionsAdapter.topics).toEqual(EVENTS.slice(0, 3).map(([, , signature]) => topicOf(signature)));
    expect(credentialAdapter.topics).toEqual([transfer]);
    expect(accessNftAdapter.topics).toEqual([transfer, topicOf('event CredentialUpdated(uint256)')]);
    expect(erc5643Adapter.topics).toEqual([transfer, topicOf('event SubscriptionUpdate(uint256,uint64)')]);
  });
});
