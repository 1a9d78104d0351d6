import {
  bloomOf,
  hex,
  type ModelBlock,
  type ModelChain,
  MULTICALL,
  multicallInterface,
  NFT,
  nftInterface,
  SUBSCRIPTIONS,
  subscriptionsInterface,
  ZERO,
} from './model-chain.ts';

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
