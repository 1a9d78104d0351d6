import type { ContractKind } from '../../domain/chain-settings.ts';
import { accessNftAdapter } from './access-nft-adapter.ts';
import type { ContractAdapter } from './contract-adapter.ts';
import { erc5643Adapter } from './erc5643-adapter.ts';
import { subscriptionsAdapter } from './subscriptions-adapter.ts';

const ADAPTERS: Readonly<Record<ContractKind, ContractAdapter>> = {
  subscriptions: subscriptionsAdapter,
  'access-nft': accessNftAdapter,
  erc5643: erc5643Adapter,
};

/** The adapter of a kind of contract (D11). */
export const adapterOf = (kind: ContractKind): ContractAdapter => ADAPTERS[kind];
