import type { Log } from '../../ports/log.ts';
import { toHex } from './block-reads.ts';
import { createLogDecoder, type LogHint } from './log-decoder.ts';
import { bloomMayHoldLog } from './logs-bloom.ts';
import type { SaneNode } from './node-sanity.ts';
import type { RpcEndpoint } from './rpc-endpoint.ts';
import { RpcFailure } from './rpc-failure.ts';
import type { RpcPool } from './rpc-pool.ts';
import { type BlockHeader, logsAnswer, parseAnswer, type RawLog, receiptsAnswer } from './rpc-schema.ts';

/** An empty answer that the bloom contradicts and nobody can settle is asked for again this often, then believed. */
const DOUBTED_AT_MOST = 3;

/**
 * Reads our logs: by block hash near the head, by range behind finality (C3). An empty answer for a block whose bloom
 * names us is not believed before another endpoint, or the block's receipts, say the same (C8).
 */
export const createLogReader = (pool: RpcPool, log: Log) => {
  const decoder = createLogDecoder(pool.settings);
  const filter = { address: decoder.addresses, topics: [decoder.topics] };
  const doubts = new Map<string, number>();

  const rawBlockLogs = async (endpoint: RpcEndpoint, { number, hash }: BlockHeader): Promise<readonly RawLog[]> => {
    const answer = await endpoint.request('eth_getLogs', [{ ...filter, blockHash: hash }]);
    const logs = parseAnswer(logsAnswer, answer, `logs of block ${number}`);
    for (const one of logs) requireInBlock(one, number, hash);
    return logs;
  };

  const fromReceipts = async (endpoint: RpcEndpoint, { number, hash }: BlockHeader): Promise<readonly RawLog[]> => {
    const answer = await endpoint.request('eth_getBlockReceipts', [toHex(number)]);
    const receipts = parseAnswer(receiptsAnswer, answer, `receipts of block ${number}`);
    const logs = receipts.flatMap((receipt) => receipt.logs);
    for (const one of logs) requireInBlock(one, number, hash);
    return logs;
  };

  /** The logs that the bloom promises, [] when it is settled that there are none, undefined while it is not. */
  const settleDoubt = async (node: SaneNode, header: BlockHeader): Promise<readonly RawLog[] | undefined> => {
    const others = await pool.witnesses(node.endpoint);
    for (const other of others) {
      const logs = await rawBlockLogs(other.endpoint, header).catch(ignoreFailure);
      if (logs === undefined) continue;
      if (logs.length > 0) tellMissing(node.endpoint.name, other.endpoint.name, header.number);
      return logs;
    }
    const receipts = await fromReceipts(node.endpoint, header).catch(ignoreFailure);
    if (receipts !== undefined) return receipts;
    const times = (doubts.get(header.hash) ?? 0) + 1;
    doubts.set(header.hash, times);
    if (times < DOUBTED_AT_MOST) return undefined;
    doubts.clear();
    return [];
  };

  const tellMissing = (silent: string, other: string, block: bigint): void => {
    const fields = { endpoint: silent, other, block: block.toString(), rule: 'C8' };
    log.warn(fields, 'an endpoint left out logs that its own block names; another one had them');
  };

  return {
    /** Hints of one block; undefined when an empty answer is still in doubt and the cursor has to wait. */
    ofBlock: async (node: SaneNode, header: BlockHeader): Promise<readonly LogHint[] | undefined> => {
      if (decoder.addresses.length === 0) return [];
      const hints = (await rawBlockLogs(node.endpoint, header)).flatMap(decoder.hints);
      const bloom = header.logsBloom;
      if (hints.length > 0 || !bloom || !bloomMayHoldLog(bloom, decoder.addresses, decoder.topics)) return hints;
      return (await settleDoubt(node, header))?.flatMap(decoder.hints);
    },

    /** Hints of a range of settled blocks, both ends included. */
    ofRange: async (endpoint: RpcEndpoint, from: bigint, to: bigint): Promise<readonly LogHint[]> => {
      if (decoder.addresses.length === 0) return [];
      const answer = await endpoint.request('eth_getLogs', [{ ...filter, fromBlock: toHex(from), toBlock: toHex(to) }]);
      const logs = parseAnswer(logsAnswer, answer, `logs of blocks ${from} to ${to}`);
      if (logs.some(({ blockNumber, removed }) => removed || blockNumber < from || blockNumber > to)) {
        throw new RpcFailure('garbage', `logs of blocks ${from} to ${to}: some are of other blocks`);
      }
      return logs.flatMap(decoder.hints);
    },
  };
};

export type LogReader = ReturnType<typeof createLogReader>;

const requireInBlock = ({ blockNumber, blockHash, removed }: RawLog, number: bigint, hash: string): void => {
  if (blockNumber === number && blockHash === hash && !removed) return;
  throw new RpcFailure(
    'moved',
    `logs of block ${number} ${hash} were asked for, some of ${blockNumber} ${blockHash} came`,
  );
};

const ignoreFailure = (error: unknown): undefined => {
  if (error instanceof RpcFailure) return undefined;
  throw error;
};
