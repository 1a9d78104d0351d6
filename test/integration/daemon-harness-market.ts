import { getAddress } from 'ethers';
import type { AnvilLab } from '../lab/anvil.ts';
import { contractCodec } from '../lab/chain-calls.ts';
import { type ChainClient, chainClient } from '../lab/chain-client.ts';
import { type ContractName, compileContracts } from '../lab/contracts.ts';

/** One subscription contract and those who pay into it. */
export interface Market {
  readonly address: string;
  readonly customer: string;
  buy(seconds: number): Promise<Sale>;
  extend(id: bigint, seconds: number): Promise<void>;
}

export interface Sale {
  readonly id: bigint;
  readonly expiresAtUnix: bigint;
}

const MINED_WITHIN_MS = 20_000;

/** Deploys `count` contracts, each with ids of its own from 1 on, and one Multicall3, in as few blocks as it takes. */
export const openMarkets = async (
  chain: AnvilLab,
  count: number,
): Promise<{ markets: readonly Market[]; multicall: string }> => {
  const contracts = await compileContracts();
  const client = chainClient(chain.rpc, MINED_WITHIN_MS);
  const [deployer = '', customer = ''] = chain.accounts;
  const deploy = async (name: ContractName): Promise<string> => {
    const receipt = await client.mined({ from: deployer, data: contracts[name].bytecode, gas: '0x2dc6c0' });
    return getAddress(receipt.contractAddress ?? '');
  };
  const names = Array.from({ length: count }, () => 'BlockhostSubscriptions' as const);
  const [multicall = '', ...addresses] = await Promise.all([deploy('Multicall3'), ...names.map(deploy)]);
  const codec = contractCodec(contracts.BlockhostSubscriptions);
  return { multicall, markets: addresses.map((address) => market(client, codec, address, customer)) };
};

const market = (
  client: ChainClient,
  codec: ReturnType<typeof contractCodec>,
  address: string,
  customer: string,
): Market => ({
  address,
  customer,
  buy: async (seconds) => {
    const receipt = await client.mined(codec.transaction(customer, address, 'buy', [1, seconds, '0x']));
    const names = ['subscriptionId', 'expiresAt'] as const;
    const { subscriptionId, expiresAt } = codec.integers('SubscriptionCreated', names, receipt);
    return { id: subscriptionId, expiresAtUnix: expiresAt };
  },
  extend: async (id, seconds) => {
    await client.mined(codec.transaction(customer, address, 'extend', [id, seconds]));
  },
});
