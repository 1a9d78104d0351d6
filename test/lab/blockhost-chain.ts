import { getAddress } from 'ethers';
import { contractCodec, type Transaction } from './chain-calls.ts';
import type { ChainClient, Mined } from './chain-client.ts';
import type { ContractName, compileContracts } from './contracts.ts';
import type { Rpc } from './json-rpc.ts';

/** Addresses of our contracts. */
export interface Deployed {
  readonly subscriptions: string;
  readonly nft: string;
  readonly legacyNft: string;
  readonly erc5643: string;
  readonly multicall3: string;
}

export interface Subscription {
  readonly planId: bigint;
  readonly subscriber: string;
  readonly expiresAtUnix: bigint;
  readonly isActive: boolean;
  readonly cancelled: boolean;
}

/** The verbs of the people who use the contracts; `deployBlockhost` comes first. */
export interface BlockhostChain {
  /** Deploys all contracts and mints token 0 to the administrator, the first account. */
  deployBlockhost(): Promise<Deployed>;
  /** Encoded but not sent: for `send`, or for the other branch of a reorg. */
  readonly transaction: {
    buy(owner: string, seconds: number): Transaction;
    extend(id: bigint, seconds: number, payer?: string): Transaction;
    cancel(id: bigint, owner: string): Transaction;
    transferNft(tokenId: bigint, from: string, to: string): Transaction;
  };
  send(transaction: Transaction): Promise<Mined>;
  buy(owner: string, seconds: number): Promise<Mined & { readonly id: bigint; readonly expiresAtUnix: bigint }>;
  extend(id: bigint, seconds: number, payer?: string): Promise<Mined & { readonly expiresAtUnix: bigint }>;
  /** Sent by the subscriber, whoever that is. */
  cancel(id: bigint): Promise<Mined>;
  subscription(id: bigint, tag?: string): Promise<Subscription>;
  mintNft(to: string): Promise<Mined & { readonly tokenId: bigint }>;
  transferNft(tokenId: bigint, to: string): Promise<Mined>;
  ownerOf(tokenId: bigint): Promise<string>;
}

interface Deps {
  readonly rpc: Rpc;
  readonly client: ChainClient;
  readonly contracts: Awaited<ReturnType<typeof compileContracts>>;
  readonly deployer: string;
}

const inOrder = ['BlockhostSubscriptions', 'CredentialNft', 'LegacyCredentialNft', 'Erc5643Nft', 'Multicall3'] as const;

export function blockhostChain({ rpc, client, contracts, deployer }: Deps): BlockhostChain {
  const subscriptions = contractCodec(contracts.BlockhostSubscriptions);
  const nft = contractCodec(contracts.CredentialNft);
  let deployed: Deployed | undefined;
  const at = (): Deployed => {
    if (deployed === undefined) throw new Error('deployBlockhost() comes first');
    return deployed;
  };
  const read = (to: string, data: string, tag = 'latest'): Promise<string> =>
    rpc<string>('eth_call', [{ to, data }, tag]);
  const send = async (transaction: Transaction): Promise<Mined> => client.where(await client.mined(transaction));
  const deploy = async (name: ContractName): Promise<string> => {
    const receipt = await client.mined({ from: deployer, data: contracts[name].bytecode, gas: '0x989680' });
    return getAddress(receipt.contractAddress ?? '');
  };
  const subscription = async (id: bigint, tag?: string): Promise<Subscription> => {
    const result = await read(at().subscriptions, subscriptions.encode('getSubscription', [id]), tag);
    const fields = subscriptions.decode('getSubscription', result) as [bigint, string, bigint, boolean, boolean];
    const [planId, subscriber, expiresAtUnix, isActive, cancelled] = fields;
    return { planId, subscriber, expiresAtUnix, isActive, cancelled };
  };
  const ownerOf = async (tokenId: bigint): Promise<string> =>
    String(nft.decode('ownerOf', await read(at().nft, nft.encode('ownerOf', [tokenId])))[0]);
  const transaction: BlockhostChain['transaction'] = {
    buy: (owner, seconds) => subscriptions.transaction(owner, at().subscriptions, 'buy', [1, seconds, '0x']),
    extend: (id, seconds, payer = deployer) =>
      subscriptions.transaction(payer, at().subscriptions, 'extend', [id, seconds]),
    cancel: (id, owner) => subscriptions.transaction(owner, at().subscriptions, 'cancel', [id]),
    transferNft: (tokenId, from, to) => nft.transaction(from, at().nft, 'transferFrom', [from, to, tokenId]),
  };
  return {
    transaction,
    send,
    subscription,
    ownerOf,
    deployBlockhost: async () => {
      const [first = '', second = '', third = '', fourth = '', fifth = ''] = await Promise.all(inOrder.map(deploy));
      deployed = { subscriptions: first, nft: second, legacyNft: third, erc5643: fourth, multicall3: fifth };
      await send(nft.transaction(deployer, second, 'mint', [deployer, '0x']));
      return deployed;
    },
    buy: async (owner, seconds) => {
      const receipt = await client.mined(transaction.buy(owner, seconds));
      const names = ['subscriptionId', 'expiresAt'] as const;
      const { subscriptionId, expiresAt } = subscriptions.integers('SubscriptionCreated', names, receipt);
      return { ...(await client.where(receipt)), id: subscriptionId, expiresAtUnix: expiresAt };
    },
    extend: async (id, seconds, payer) => {
      const receipt = await client.mined(transaction.extend(id, seconds, payer));
      const { newExpiresAt } = subscriptions.integers('SubscriptionExtended', ['newExpiresAt'], receipt);
      return { ...(await client.where(receipt)), expiresAtUnix: newExpiresAt };
    },
    cancel: async (id) => send(transaction.cancel(id, (await subscription(id)).subscriber)),
    mintNft: async (to) => {
      const receipt = await client.mined(nft.transaction(deployer, at().nft, 'mint', [to, '0x']));
      return { ...(await client.where(receipt)), ...nft.integers('CredentialMinted', ['tokenId'], receipt) };
    },
    transferNft: async (tokenId, to) => send(transaction.transferNft(tokenId, await ownerOf(tokenId), to)),
  };
}
