import { Interface, keccak256 } from 'ethers';

/** A chain in memory with forks, as several nodes see it; encoded by ethers, so that it is no mirror of what is tested. */

export const SUBSCRIPTIONS = '0x00000000000000000000000000000000000000a1';
export const NFT = '0x00000000000000000000000000000000000000b2';
export const MULTICALL = '0x00000000000000000000000000000000000000c3';
export const ZERO = '0x0000000000000000000000000000000000000000';

export const subscriptionsInterface = new Interface([
  'event SubscriptionCreated(uint256 indexed subscriptionId, uint256 indexed planId, address indexed subscriber, uint256 expiresAt, uint256 paidAmount, address paymentToken, bytes userEncrypted)',
  'event SubscriptionExtended(uint256 indexed subscriptionId, uint256 indexed planId, address indexed extendedBy, uint256 newExpiresAt, uint256 paidAmount, address paymentToken)',
  'event SubscriptionCancelled(uint256 indexed subscriptionId, uint256 indexed planId, address indexed subscriber)',
  'function getSubscription(uint256) view returns (uint256 planId, address subscriber, uint256 expiresAt, bool isActive, bool cancelled)',
  'function nextSubscriptionId() view returns (uint256)',
]);
export const nftInterface = new Interface([
  'event Transfer(address indexed from, address indexed to, uint256 indexed tokenId)',
  'function ownerOf(uint256) view returns (address)',
  'function totalSupply() view returns (uint256)',
]);
export const multicallInterface = new Interface([
  'function aggregate3((address target, bool allowFailure, bytes callData)[] calls) payable returns ((bool success, bytes returnData)[] returnData)',
]);

export interface ModelSubscription {
  readonly owner: string;
  readonly expiresAt: bigint;
  readonly cancelled: boolean;
}

export type ModelAction =
  | { readonly kind: 'buy'; readonly owner?: string; readonly expiresAt: bigint }
  | { readonly kind: 'extend'; readonly id: bigint; readonly expiresAt: bigint }
  | { readonly kind: 'cancel'; readonly id: bigint }
  | { readonly kind: 'transfer'; readonly token: bigint; readonly to: string };

export interface JsonLog {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
}

export interface ModelBlock {
  readonly number: number;
  readonly hash: string;
  readonly parentHash: string;
  readonly timestamp: bigint;
  readonly logs: readonly JsonLog[];
  readonly subscriptions: ReadonlyMap<bigint, ModelSubscription>;
  readonly tokens: ReadonlyMap<bigint, string>;
  readonly nextId: bigint;
}

export const OWNER = '0x00000000000000000000000000000000000000e5';

export const bloomOf = (logs: readonly JsonLog[]): string => {
  const bits = new Uint8Array(256);
  for (const value of logs.flatMap(({ address, topics }) => [address, ...topics])) {
    const hash = keccak256(value);
    for (const at of [2, 6, 10]) {
      const bit = Number.parseInt(hash.slice(at, at + 4), 16) % 2048;
      const byte = 255 - (bit >> 3);
      bits[byte] = (bits[byte] ?? 0) | (1 << (bit & 7));
    }
  }
  return `0x${Buffer.from(bits).toString('hex')}`;
};

export const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

const applyTo = (parent: ModelBlock, timestamp: bigint, actions: readonly ModelAction[]) => {
  const subscriptions = new Map(parent.subscriptions);
  const tokens = new Map(parent.tokens);
  let nextId = parent.nextId;
  const logs: JsonLog[] = [];
  const emit = (name: string, values: readonly unknown[]): void => {
    const source = name === 'Transfer' ? nftInterface : subscriptionsInterface;
    const { data, topics } = source.encodeEventLog(name, values);
    logs.push({ address: name === 'Transfer' ? NFT : SUBSCRIPTIONS, topics, data });
  };
  for (const action of actions) {
    if (action.kind === 'transfer') {
      emit('Transfer', [tokens.get(action.token) ?? ZERO, action.to, action.token]);
      tokens.set(action.token, action.to);
      continue;
    }
    if (action.kind === 'buy') {
      const owner = action.owner ?? OWNER;
      subscriptions.set(nextId, { owner, expiresAt: action.expiresAt, cancelled: false });
      emit('SubscriptionCreated', [nextId, 1, owner, action.expiresAt, 5, ZERO, '0x1234']);
      nextId += 1n;
      continue;
    }
    const before = subscriptions.get(action.id);
    if (!before) continue;
    if (action.kind === 'extend') {
      subscriptions.set(action.id, { ...before, expiresAt: action.expiresAt });
      emit('SubscriptionExtended', [action.id, 1, before.owner, action.expiresAt, 5, ZERO]);
    } else {
      subscriptions.set(action.id, { ...before, expiresAt: timestamp, cancelled: true });
      emit('SubscriptionCancelled', [action.id, 1, before.owner]);
    }
  }
  return { subscriptions, tokens, nextId, logs };
};

export const createModelChain = (options: { startUnix?: bigint; blockSeconds?: bigint; salt?: number } = {}) => {
  const blockSeconds = options.blockSeconds ?? 1n;
  let counter = options.salt ?? 0;
  const byHash = new Map<string, ModelBlock>();
  const newHash = (): string => {
    counter += 1;
    return keccak256(`0x${counter.toString(16).padStart(64, '0')}`);
  };
  const genesis: ModelBlock = {
    number: 0,
    hash: newHash(),
    parentHash: `0x${'0'.repeat(64)}`,
    timestamp: options.startUnix ?? 1_000_000n,
    logs: [],
    subscriptions: new Map(),
    tokens: new Map(),
    nextId: 1n,
  };
  let canonical: ModelBlock[] = [genesis];
  byHash.set(genesis.hash, genesis);

  const at = (number: number): ModelBlock | undefined => canonical[number];
  const head = (): ModelBlock => canonical[canonical.length - 1] ?? genesis;
  const mine = (actions: readonly ModelAction[] = [], timestamp?: bigint): ModelBlock => {
    const parent = head();
    const time = timestamp ?? parent.timestamp + blockSeconds;
    const block: ModelBlock = {
      number: parent.number + 1,
      hash: newHash(),
      parentHash: parent.hash,
      timestamp: time,
      ...applyTo(parent, time, actions),
    };
    canonical.push(block);
    byHash.set(block.hash, block);
    return block;
  };
  const dropTo = (number: number): void => {
    canonical = canonical.slice(0, Math.max(1, number + 1));
  };

  return {
    at,
    head,
    mine,
    blockByHash: (hash: string): ModelBlock | undefined => byHash.get(hash),
    canonical: (): readonly ModelBlock[] => canonical,
    /** Replaces the last `depth` blocks by one block per entry of `branch`. */
    reorg: (depth: number, branch: readonly (readonly ModelAction[])[]): void => {
      dropTo(head().number - depth);
      for (const actions of branch) mine(actions);
    },
    /** Cuts the chain off: what a restored snapshot does. */
    dropTo,
  };
};

export type ModelChain = ReturnType<typeof createModelChain>;
