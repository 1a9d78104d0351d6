import { multicall3Abi } from '../../../contracts-abi/multicall3.ts';
import type { Address } from '../../domain/identity.ts';
import { mustHeaderAt, toHex } from './block-reads.ts';
import type { Answer, CallResult, ContractCall, Question } from './contract-adapter.ts';
import { contractFunction } from './contract-function.ts';
import type { RpcEndpoint } from './rpc-endpoint.ts';
import { RpcFailure } from './rpc-failure.ts';
import { type BlockHeader, hexData, parseAnswer } from './rpc-schema.ts';

const aggregate3 = contractFunction(multicall3Abi, 'aggregate3');

/** Calls per multicall request. */
const CHUNK = 200;
const BLOCKS_CACHED = 8;

/**
 * Reads contracts on one node at one pinned block (C4): `aggregate3` in chunks, halved while the node refuses a chunk,
 * else one `eth_call` each. The block is pinned by hash (EIP-1898); for a node that cannot, by number, with the hash
 * checked after. Results are kept per node and block hash. Rejects with an `RpcFailure`; a revert is a result.
 */
export const createCallReader = (multicall: Address | undefined) => {
  const caches = new Map<string, Map<string, CallResult>>();
  const byNumberOnly = new Set<RpcEndpoint>();

  const ethCall = async (endpoint: RpcEndpoint, block: BlockHeader, call: ContractCall): Promise<`0x${string}`> => {
    const ask = async (pin: unknown) =>
      parseAnswer(hexData, await endpoint.request('eth_call', [call, pin]), 'eth_call');
    if (!byNumberOnly.has(endpoint)) {
      try {
        return await ask({ blockHash: block.hash });
      } catch (error) {
        if (!(error instanceof RpcFailure && error.fault === 'unsupported')) throw error;
        byNumberOnly.add(endpoint);
      }
    }
    const data = await ask(toHex(block.number));
    const after = await mustHeaderAt(endpoint, block.number);
    if (after.hash !== block.hash)
      throw new RpcFailure('moved', `block ${block.number} was replaced while it was read`);
    return data;
  };

  const one = async (endpoint: RpcEndpoint, block: BlockHeader, call: ContractCall): Promise<CallResult> => {
    try {
      const data = await ethCall(endpoint, block, call);
      return data === '0x' ? { ok: false, why: 'the contract gave no data' } : { ok: true, data };
    } catch (error) {
      if (error instanceof RpcFailure && error.fault === 'reverted') return { ok: false, why: error.message };
      throw error;
    }
  };

  const chunk = async (
    endpoint: RpcEndpoint,
    block: BlockHeader,
    calls: readonly ContractCall[],
  ): Promise<CallResult[]> => {
    const first = calls[0];
    if (!first) return [];
    if (calls.length === 1 || multicall === undefined)
      return Promise.all(calls.map((call) => one(endpoint, block, call)));
    try {
      const data = await ethCall(endpoint, block, { to: multicall, data: encodeAggregate(calls) });
      if (data !== '0x') return decodeAggregate(data, calls.length);
    } catch (error) {
      if (!(error instanceof RpcFailure) || (error.fault !== 'rpc' && error.fault !== 'reverted')) throw error;
      const half = Math.ceil(calls.length / 2);
      const left = await chunk(endpoint, block, calls.slice(0, half));
      return [...left, ...(await chunk(endpoint, block, calls.slice(half)))];
    }
    return Promise.all(calls.map((call) => one(endpoint, block, call)));
  };

  const cacheOf = (endpoint: RpcEndpoint, block: BlockHeader): Map<string, CallResult> => {
    const key = `${endpoint.name} ${block.hash}`;
    const cache = caches.get(key) ?? new Map<string, CallResult>();
    caches.delete(key);
    caches.set(key, cache);
    for (const oldest of caches.keys()) {
      if (caches.size <= BLOCKS_CACHED) break;
      caches.delete(oldest);
    }
    return cache;
  };

  /** Results by call key. `fresh` asks the node again for what is cached: a witness has to say it itself (C5). */
  const results = async (endpoint: RpcEndpoint, block: BlockHeader, calls: readonly ContractCall[], fresh: boolean) => {
    const cache = cacheOf(endpoint, block);
    const wanted = new Map(calls.map((call) => [keyOf(call), call]));
    if (!fresh) for (const key of cache.keys()) wanted.delete(key);
    const chunks = inChunks([...wanted.values()], CHUNK);
    await Promise.all(
      chunks.map(async (part) => {
        const answers = await chunk(endpoint, block, part);
        part.forEach((call, index) => {
          const answer = answers[index];
          if (answer) cache.set(keyOf(call), answer);
        });
      }),
    );
    return cache;
  };

  /** Answers by the questions' keys; what the ABI cannot read is an answer that says so. */
  return async <T>(
    endpoint: RpcEndpoint,
    block: BlockHeader,
    questions: readonly Question<T>[],
    fresh = false,
  ): Promise<ReadonlyMap<string, Answer<T>>> => {
    const byCall = await results(
      endpoint,
      block,
      questions.flatMap(({ calls }) => calls),
      fresh,
    );
    return new Map(questions.map((question) => [question.key, answerOf(question, byCall)]));
  };
};

export type CallReader = ReturnType<typeof createCallReader>;

const keyOf = ({ to, data }: ContractCall): string => `${to} ${data}`;

const answerOf = <T>(question: Question<T>, byCall: ReadonlyMap<string, CallResult>): Answer<T> => {
  const results: CallResult[] = question.calls.map(
    (call) => byCall.get(keyOf(call)) ?? { ok: false, why: 'no answer' },
  );
  try {
    return question.answer(results);
  } catch {
    return { ok: false, why: 'the contract answered with data that its ABI cannot read' };
  }
};

const inChunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));

const encodeAggregate = (calls: readonly ContractCall[]): `0x${string}` =>
  aggregate3.encode([calls.map(({ to, data }) => ({ target: to, allowFailure: true, callData: data }))]);

const decodeAggregate = (data: `0x${string}`, wanted: number): CallResult[] => {
  const answers = decodeOrFail(data);
  if (answers.length !== wanted) {
    throw new RpcFailure('garbage', `multicall: ${answers.length} answers to ${wanted} calls`);
  }
  return answers.map(({ success, returnData }): CallResult => {
    if (!success) return { ok: false, why: 'the contract refused the call' };
    return returnData === '0x' ? { ok: false, why: 'the contract gave no data' } : { ok: true, data: returnData };
  });
};

const decodeOrFail = (data: `0x${string}`) => {
  try {
    return aggregate3.decode(data);
  } catch {
    throw new RpcFailure('garbage', 'multicall: the answer is not what aggregate3 returns');
  }
};
