import type { Clock } from '../../ports/clock.ts';
import { aggregated, callsOf, idIn, SELECTOR, words } from './abi.ts';
import {
  bloomOf,
  hex,
  type ModelBlock,
  type ModelChain,
  type ModelSubscription,
  MULTICALL,
  NFT,
  SUBSCRIPTIONS,
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
  /** It stopped following here, and knows nothing of what came after, a reorg included. */
  frozen?: readonly ModelBlock[] | undefined;
  /** What it makes of a subscription, in every answer that it gives. */
  distorts?: ((subscription: ModelSubscription, block: ModelBlock) => ModelSubscription) | undefined;
  /** Whom it names as a token's owner instead. */
  misnames?: ((owner: string) => string) | undefined;
  /** It has no logs, whatever its blooms promise. */
  forgetsLogs?: boolean;
  /** How long this answer takes; answers overtake each other. */
  latencyMs?: (() => number) | undefined;
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
  clock?: Pick<Clock, 'sleep'>,
) => {
  const counts = new Map<string, number>();
  const blooms = new WeakMap<ModelBlock, string>();
  const canonical = (): readonly ModelBlock[] => faults.frozen ?? chain().canonical();
  const at = (number: number): ModelBlock | undefined => canonical()[number];
  const top = (): number => Math.max(0, canonical().length - 1 - (faults.lag ?? 0));
  const bloom = (block: ModelBlock): string => {
    const known = blooms.get(block) ?? bloomOf(block.logs);
    blooms.set(block, known);
    return known;
  };

  const blockJson = (block: ModelBlock | undefined): unknown => {
    if (!block || block.number > top()) return null;
    const { number, hash, parentHash, timestamp } = block;
    const logsBloom = bloom(block);
    return { number: hex(number), hash, parentHash, timestamp: hex(timestamp), logsBloom, extraData: '0x' };
  };

  const byTag = (tag: string): unknown => {
    if (tag === 'latest') return blockJson(at(top()));
    if (tag !== 'safe' && tag !== 'finalized') return blockJson(at(Number(tag)));
    if (faults.noTags) throw new ModelRpcError(-32602, `invalid argument 0: hex string without 0x prefix: ${tag}`);
    return blockJson(at(Math.max(0, top() - finality[tag])));
  };

  const pinned = (pin: unknown): ModelBlock => {
    if (typeof pin === 'object' && pin !== null && 'blockHash' in pin) {
      if (faults.noBlockHashParam) throw new ModelRpcError(-32602, 'invalid argument 1: cannot unmarshal object');
      const block = chain().blockByHash(String(pin.blockHash));
      if (!block || block.number > top()) throw new ModelRpcError(-32000, 'header not found');
      return block;
    }
    const block = at(Number(pin));
    if (!block || block.number > top()) throw new ModelRpcError(-32000, 'header not found');
    return block;
  };

  const subscriptionAt = (block: ModelBlock, id: bigint): string => {
    const there = block.subscriptions.get(id);
    if (!there) return words(0, ZERO, 0, false, false);
    const found = faults.distorts?.(there, block) ?? there;
    const active = !found.cancelled && found.expiresAt > block.timestamp;
    return words(1, found.owner, found.expiresAt, active, found.cancelled);
  };

  const view = (block: ModelBlock, to: string, data: string): string | undefined => {
    const selector = data.slice(0, 10);
    if (to === SUBSCRIPTIONS && selector === SELECTOR.getSubscription) return subscriptionAt(block, idIn(data));
    if (to === SUBSCRIPTIONS && selector === SELECTOR.nextSubscriptionId) return words(block.nextId);
    if (to === NFT && selector === SELECTOR.totalSupply) return words(block.tokens.size);
    const owner = to === NFT && selector === SELECTOR.ownerOf ? block.tokens.get(idIn(data)) : undefined;
    return owner === undefined ? undefined : words(faults.misnames?.(owner) ?? owner);
  };

  const call = ({ to, data }: { to: string; data: string }, pin: unknown): string => {
    const block = pinned(pin);
    if (to === MULTICALL) {
      if (faults.noMulticall) return '0x';
      return aggregated(callsOf(data).map((one) => view(block, one.target, one.data)));
    }
    const result = view(block, to, data);
    if (result === undefined) throw new ModelRpcError(3, 'execution reverted');
    return result;
  };

  const logsJson = (block: ModelBlock, filter: { address: readonly string[]; topics: readonly string[][] }) =>
    (faults.forgetsLogs ? [] : block.logs).flatMap((log, index) => {
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
    const blocks = canonical().slice(Number(filter.fromBlock), Number(filter.toBlock) + 1);
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
        const block = at(Number(params[0]));
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
    const latencyMs = faults.latencyMs?.() ?? 0;
    await (latencyMs > 0 && clock ? clock.sleep(latencyMs) : Promise.resolve());
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
    /** Does this node know of that subscription yet? */
    requests: (method?: string): number =>
      method === undefined ? [...counts.values()].reduce((sum, count) => sum + count, 0) : (counts.get(method) ?? 0),
  };
};

export type ModelNode = ReturnType<typeof createModelNode>;
