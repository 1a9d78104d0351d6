import { keccak256 } from 'viem';
import { TOPIC, words, wordsAndBytes } from './abi.ts';

/** A chain in memory with forks, as several nodes see it. */

export const SUBSCRIPTIONS = '0x00000000000000000000000000000000000000a1';
export const NFT = '0x00000000000000000000000000000000000000b2';
export const MULTICALL = '0x00000000000000000000000000000000000000c3';
export const ZERO = '0x0000000000000000000000000000000000000000';

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

const EMPTY_BLOOM = `0x${'0'.repeat(512)}`;
/** Bits by value: the same few contracts, topics and ids come again and again. */
const bloomBits = new Map<string, readonly number[]>();

const bitsOf = (value: string): readonly number[] => {
  const found = bloomBits.get(value);
  if (found) return found;
  const hash = keccak256(value as `0x${string}`);
  const bits = [2, 6, 10].map((at) => Number.parseInt(hash.slice(at, at + 4), 16) % 2048);
  bloomBits.set(value, bits);
  return bits;
};

export const bloomOf = (logs: readonly JsonLog[]): string => {
  if (logs.length === 0) return EMPTY_BLOOM;
  const bytes = new Uint8Array(256);
  for (const value of logs.flatMap(({ address, topics }) => [address, ...topics])) {
    for (const bit of bitsOf(value)) {
      const byte = 255 - (bit >> 3);
      bytes[byte] = (bytes[byte] ?? 0) | (1 << (bit & 7));
    }
  }
  return `0x${Buffer.from(bytes).toString('hex')}`;
};

export const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

const PLAN = 1;
const PAID = 5;

const ofSubscription = (topics: readonly string[], data: string): JsonLog => ({ address: SUBSCRIPTIONS, topics, data });

const created = (id: bigint, { owner, expiresAt }: ModelSubscription): JsonLog =>
  ofSubscription(
    [TOPIC.SubscriptionCreated, words(id), words(PLAN), words(owner)],
    wordsAndBytes([expiresAt, PAID, ZERO], '0x1234'),
  );

const extended = (id: bigint, { owner, expiresAt }: ModelSubscription): JsonLog =>
  ofSubscription([TOPIC.SubscriptionExtended, words(id), words(PLAN), words(owner)], words(expiresAt, PAID, ZERO));

const cancelled = (id: bigint, { owner }: ModelSubscription): JsonLog =>
  ofSubscription([TOPIC.SubscriptionCancelled, words(id), words(PLAN), words(owner)], '0x');

const transferred = (token: bigint, from: string, to: string): JsonLog => ({
  address: NFT,
  topics: [TOPIC.Transfer, words(from), words(to), words(token)],
  data: '0x',
});

const applyTo = (parent: ModelBlock, timestamp: bigint, actions: readonly ModelAction[]) => {
  if (actions.length === 0) {
    const { subscriptions, tokens, nextId } = parent;
    return { subscriptions, tokens, nextId, logs: [] };
  }
  const subscriptions = new Map(parent.subscriptions);
  const tokens = new Map(parent.tokens);
  let nextId = parent.nextId;
  const logs: JsonLog[] = [];
  for (const action of actions) {
    if (action.kind === 'transfer') {
      logs.push(transferred(action.token, tokens.get(action.token) ?? ZERO, action.to));
      tokens.set(action.token, action.to);
      continue;
    }
    if (action.kind === 'buy') {
      const bought = { owner: action.owner ?? OWNER, expiresAt: action.expiresAt, cancelled: false };
      subscriptions.set(nextId, bought);
      logs.push(created(nextId, bought));
      nextId += 1n;
      continue;
    }
    const before = subscriptions.get(action.id);
    if (!before) continue;
    if (action.kind === 'extend') {
      const after = { ...before, expiresAt: action.expiresAt };
      subscriptions.set(action.id, after);
      logs.push(extended(action.id, after));
    } else {
      subscriptions.set(action.id, { ...before, expiresAt: timestamp, cancelled: true });
      logs.push(cancelled(action.id, before));
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
    return `0xb10c${counter.toString(16).padStart(60, '0')}`;
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
