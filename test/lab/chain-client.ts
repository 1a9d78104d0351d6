import type { RawReceipt, Transaction } from './chain-calls.ts';
import { type Rpc, RpcError } from './json-rpc.ts';
import { until } from './processes.ts';

export interface Head {
  readonly number: number;
  readonly hash: string;
  readonly parentHash: string;
  readonly timestampUnix: number;
}

/** Where a transaction was mined. */
export interface Mined {
  readonly hash: string;
  readonly blockNumber: number;
  readonly blockHash: string;
  readonly timestampUnix: number;
}

/** Blocks and transactions of one endpoint whose accounts are unlocked. */
export interface ChainClient {
  block(tag: string | number): Promise<Head>;
  /** Sends and waits until it is mined; throws when it is reverted. */
  mined(transaction: Transaction | { from: string; data: string; gas: string }): Promise<RawReceipt>;
  where(receipt: RawReceipt): Promise<Mined>;
}

/** `minedWithinMs`: how long a transaction may wait for its block. */
export function chainClient(rpc: Rpc, minedWithinMs: number): ChainClient {
  const block = async (tag: string | number): Promise<Head> => {
    const name = typeof tag === 'number' ? `0x${tag.toString(16)}` : tag;
    const found = await rpc<Record<keyof RawBlock, string> | null>('eth_getBlockByNumber', [name, false]);
    if (found === null) throw new Error(`the chain has no block ${tag}`);
    const { number, hash, parentHash, timestamp } = found;
    return { number: Number(number), hash, parentHash, timestampUnix: Number(timestamp) };
  };
  // One at a time: of two that arrive together, anvil would give both the same nonce.
  let last: Promise<unknown> = Promise.resolve();
  const submit = (transaction: object): Promise<string> => {
    const next = last.then(() => rpc<string>('eth_sendTransaction', [transaction]));
    last = next.catch(() => undefined);
    return next;
  };
  return {
    block,
    mined: async (transaction) => {
      const hash = await submit(transaction);
      const found: RawReceipt[] = [];
      await until(
        `transaction ${hash} is mined`,
        async () => {
          const receipt = await rpc<RawReceipt | null>('eth_getTransactionReceipt', [hash]);
          if (receipt !== null) found.push(receipt);
          return receipt !== null;
        },
        { timeoutMs: minedWithinMs },
      );
      const [receipt] = found;
      if (receipt?.status !== '0x1') throw new RpcError(`transaction ${hash} was reverted`);
      return receipt;
    },
    where: async ({ transactionHash, blockNumber, blockHash }) => {
      const { timestampUnix } = await block(Number(blockNumber));
      return { hash: transactionHash, blockNumber: Number(blockNumber), blockHash, timestampUnix };
    },
  };
}

interface RawBlock {
  readonly number: string;
  readonly hash: string;
  readonly parentHash: string;
  readonly timestamp: string;
}
