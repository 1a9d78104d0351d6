import type { ContractSettings } from '../domain/chain-settings.ts';
import type { ChainFile } from './chain-schema.ts';
import type { Problems } from './problems.ts';

/** What an expiry is read from (D11). */
export type Entitlement = 'subscription' | 'nft';

export interface ContractRules {
  readonly entitlement: Entitlement;
  readonly file: string;
  readonly problems: Problems;
}

/** Names the machines of each contract of every chain: one pass over all of them, since a name must mean one contract. */
export const createContractNaming = ({ entitlement, file, problems }: ContractRules) => {
  const taken = new Map<string, string>();
  return (contracts: NonNullable<ChainFile['contracts']>, key: string): ContractSettings[] => {
    const addresses = new Set<string>();
    return contracts.map(({ kind, address, name_prefix: given }, i) => {
      const here = `${key}contracts[${i}]`;
      const prefix = given ?? (taken.size === 0 ? FIRST_PREFIX : undefined);
      if (addresses.has(address)) problems.add(file, `${here}.address is given twice; wants each contract once`);
      addresses.add(address);
      if (kind !== 'subscriptions' && entitlement !== 'nft') {
        problems.add(file, `${here}.kind is ${kind}; wants \`entitlement: nft\` beside it, or kind subscriptions`);
      }
      const fault = prefixFault(prefix, taken);
      if (fault !== undefined) problems.add(file, `${here}.name_prefix ${fault}`);
      taken.set(prefix ?? here, here);
      return { kind, address, namePrefix: prefix ?? '' };
    });
  };
};

/** The engine calls its machines `blockhost-NNN`; only the first contract can be its (D9). */
const FIRST_PREFIX = 'blockhost-';

const prefixFault = (prefix: string | undefined, taken: ReadonlyMap<string, string>): string | undefined => {
  if (prefix === undefined) return 'is missing; wants a prefix of its own: only the first contract has a default';
  const clash = taken.get(prefix);
  if (clash !== undefined) return `is "${prefix}", as that of ${clash}; wants a prefix of its own`;
  if (taken.size === 0 && prefix !== FIRST_PREFIX)
    return `is "${prefix}"; wants "${FIRST_PREFIX}", for the engine names its machines so`;
  return undefined;
};
