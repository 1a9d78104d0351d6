import type { ChainSettings, ContractKind } from '../../domain/chain-settings.ts';
import type { SubscriptionRef } from '../../domain/identity.ts';

/** Ids of these start at 1; token 0 of a credential contract is the administrator's. ERC-5643 tokens may start at 0. */
const FIRST_ID: Readonly<Record<ContractKind, bigint>> = { subscriptions: 1n, 'access-nft': 1n, erc5643: 0n };

const DIGITS = /^\d{3,24}$/;

/** Every subscription that a machine's name could mean, the one with the longest prefix first. */
export const refsForName = (settings: readonly ChainSettings[], vmName: string): readonly SubscriptionRef[] =>
  candidatesFor(settings, vmName).map(({ ref }) => ref);

/**
 * What a machine's name would bind to (D9): a configured prefix, then the id with three digits or more, in exactly the
 * form in which it is written (`blockhost-007`, never `blockhost-7` or `blockhost-0007`). The longest prefix wins.
 */
export const refForName = (settings: readonly ChainSettings[], vmName: string): SubscriptionRef | undefined =>
  refsForName(settings, vmName)[0];

/** What the machine of a subscription is called: the prefix of its contract, then the id with three digits or more (D9). */
export const nameOf = (namePrefix: string, id: bigint): string => `${namePrefix}${id.toString().padStart(3, '0')}`;

const candidatesFor = (settings: readonly ChainSettings[], vmName: string) =>
  settings
    .flatMap(({ chainId, contracts }) =>
      contracts.flatMap(({ address, kind, namePrefix }) => {
        const id = vmName.startsWith(namePrefix) ? idOf(vmName.slice(namePrefix.length)) : undefined;
        if (id === undefined || id < FIRST_ID[kind]) return [];
        return { prefix: namePrefix.length, ref: { chainId, contract: address, subscriptionId: id } };
      }),
    )
    .sort((a, b) => b.prefix - a.prefix);

const idOf = (digits: string): bigint | undefined => {
  if (!DIGITS.test(digits)) return undefined;
  const id = BigInt(digits);
  return nameOf('', id) === digits ? id : undefined;
};
