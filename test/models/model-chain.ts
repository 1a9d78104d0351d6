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

interface JsonLog {
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

const bloomOf = (logs: readonly JsonLog[]): string => {
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

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

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

/** How one node misbehaves; everything off means that it is honest and fresh. */
export interface NodeFaults {
  chainId?: number;
  lag?: number;
  fail?: 'refused' | 'hang' | 'http-500' | 'http-429' | undefined;
  noTags?: boolean;
  noBlockHashParam?: boolean;
  noMulticall?: boolean;
  noReceipts?: boolean;
  noCode?: boolean;
  /** The last word on any answer; return `undefined` to leave it as it is. */
  tamper?: (method: string, params: readonly unknown[], result: unknown) => unknown;
}

export class ModelRpcError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.name = 'RpcRequestError';
    this.code = code;
  }
}

class ModelHttpError extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`status ${status}`);
    this.name = 'HttpRequestError';
    this.status = status;
  }
}

const refused = (): Error => Object.assign(new Error('fetch failed'), { code: 'ECONNREFUSED' });

export const createModelNode = (
  chain: () => ModelChain,
  finality: { safe: number; finalized: number },
  faults: NodeFaults = {},
) => {
  const counts = new Map<string, number>();
  const top = (): number => Math.max(0, chain().head().number - (faults.lag ?? 0));

  const blockJson = (block: ModelBlock | undefined): unknown => {
    if (!block || block.number > top()) return null;
    const { number, hash, parentHash, timestamp } = block;
    const logsBloom = bloomOf(block.logs);
    return { number: hex(number), hash, parentHash, timestamp: hex(timestamp), logsBloom, extraData: '0x' };
  };

  const byTag = (tag: string): unknown => {
    if (tag === 'latest') return blockJson(chain().at(top()));
    if (tag !== 'safe' && tag !== 'finalized') return blockJson(chain().at(Number(tag)));
    if (faults.noTags) throw new ModelRpcError(-32602, `invalid argument 0: hex string without 0x prefix: ${tag}`);
    return blockJson(chain().at(Math.max(0, top() - finality[tag])));
  };

  const pinned = (pin: unknown): ModelBlock => {
    if (typeof pin === 'object' && pin !== null && 'blockHash' in pin) {
      if (faults.noBlockHashParam) throw new ModelRpcError(-32602, 'invalid argument 1: cannot unmarshal object');
      const block = chain().blockByHash(String(pin.blockHash));
      if (!block || block.number > top()) throw new ModelRpcError(-32000, 'header not found');
      return block;
    }
    const block = chain().at(Number(pin));
    if (!block || block.number > top()) throw new ModelRpcError(-32000, 'header not found');
    return block;
  };

  const view = (block: ModelBlock, to: string, data: string): string | undefined => {
    const source = to === SUBSCRIPTIONS ? subscriptionsInterface : nftInterface;
    const call = source.parseTransaction({ data });
    if (!call) return undefined;
    const id = call.args.length > 0 ? BigInt(call.args[0]) : 0n;
    if (call.name === 'getSubscription') {
      const found = block.subscriptions.get(id);
      const active = found !== undefined && !found.cancelled && found.expiresAt > block.timestamp;
      const values = found ? [1, found.owner, found.expiresAt, active, found.cancelled] : [0, ZERO, 0, false, false];
      return source.encodeFunctionResult('getSubscription', values);
    }
    if (call.name === 'nextSubscriptionId') return source.encodeFunctionResult('nextSubscriptionId', [block.nextId]);
    if (call.name === 'totalSupply') return source.encodeFunctionResult('totalSupply', [block.tokens.size]);
    const owner = block.tokens.get(id);
    return owner ? source.encodeFunctionResult('ownerOf', [owner]) : undefined;
  };

  const call = ({ to, data }: { to: string; data: string }, pin: unknown): string => {
    const block = pinned(pin);
    if (to === MULTICALL) {
      if (faults.noMulticall) return '0x';
      const [calls] = multicallInterface.decodeFunctionData('aggregate3', data);
      const results = (calls as { target: string; callData: string }[]).map(({ target, callData }) => {
        const result = view(block, target.toLowerCase(), callData);
        return [result !== undefined, result ?? '0x'];
      });
      return multicallInterface.encodeFunctionResult('aggregate3', [results]);
    }
    const result = view(block, to, data);
    if (result === undefined) throw new ModelRpcError(3, 'execution reverted');
    return result;
  };

  const logsJson = (block: ModelBlock, filter: { address: readonly string[]; topics: readonly string[][] }) =>
    block.logs.flatMap((log, index) => {
      const wanted = filter.address.includes(log.address) && filter.topics[0]?.includes(log.topics[0] ?? '');
      if (!wanted) return [];
      return { ...log, blockNumber: hex(block.number), blockHash: block.hash, logIndex: hex(index), removed: false };
    });

  const getLogs = (filter: {
    address: readonly string[];
    topics: readonly string[][];
    blockHash?: string;
    fromBlock?: string;
    toBlock?: string;
  }): unknown => {
    if (filter.blockHash) return logsJson(pinned({ blockHash: filter.blockHash }), filter);
    const blocks = chain()
      .canonical()
      .slice(Number(filter.fromBlock), Number(filter.toBlock) + 1);
    return blocks.filter(({ number }) => number <= top()).flatMap((block) => logsJson(block, filter));
  };

  const answer = (method: string, params: readonly unknown[]): unknown => {
    switch (method) {
      case 'eth_chainId':
        return hex(faults.chainId ?? 31337);
      case 'eth_getCode':
        return faults.noCode ? '0x' : '0x6001';
      case 'eth_getBlockByNumber':
        return byTag(String(params[0]));
      case 'eth_call':
        return call(params[0] as { to: string; data: string }, params[1]);
      case 'eth_getLogs':
        return getLogs(params[0] as Parameters<typeof getLogs>[0]);
      case 'eth_getBlockReceipts': {
        if (faults.noReceipts) throw new ModelRpcError(-32601, 'the method does not exist');
        const block = chain().at(Number(params[0]));
        return (
          block && [
            {
              logs: logsJson(block, {
                address: [SUBSCRIPTIONS, NFT],
                topics: [block.logs.flatMap((l) => l.topics[0] ?? [])],
              }),
            },
          ]
        );
      }
      default:
        throw new ModelRpcError(-32601, `the method ${method} does not exist`);
    }
  };

  const request = async (
    { method, params }: { readonly method: string; readonly params: readonly unknown[] },
    _signal?: AbortSignal,
  ): Promise<unknown> => {
    counts.set(method, (counts.get(method) ?? 0) + 1);
    await Promise.resolve();
    if (faults.fail === 'refused') throw refused();
    if (faults.fail === 'hang') return new Promise(() => undefined);
    if (faults.fail === 'http-500') throw new ModelHttpError(500);
    if (faults.fail === 'http-429') throw new ModelHttpError(429);
    const result = answer(method, params);
    const tampered = faults.tamper?.(method, params, result);
    return tampered === undefined ? result : tampered;
  };

  return {
    request,
    faults,
    requests: (method?: string): number =>
      method === undefined ? [...counts.values()].reduce((sum, count) => sum + count, 0) : (counts.get(method) ?? 0),
  };
};

export type ModelNode = ReturnType<typeof createModelNode>;
