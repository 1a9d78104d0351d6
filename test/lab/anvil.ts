import { getAddress } from 'ethers';
import { launchAnvil } from './anvil-process.ts';
import { type BlockhostChain, blockhostChain } from './blockhost-chain.ts';
import type { Transaction } from './chain-calls.ts';
import { chainClient, type Head } from './chain-client.ts';
import { compileContracts } from './contracts.ts';
import { jsonRpc, type Rpc } from './json-rpc.ts';

export interface AnvilOptions {
  readonly blockTimeSeconds?: number;
  /** `safe` is one epoch behind the head, `finalized` two. */
  readonly slotsInAnEpoch?: number;
  readonly chainId?: number;
  readonly accounts?: number;
  /** 0: any free one. */
  readonly port?: number;
  readonly logFile?: string;
}

/** A transaction for the new branch; `block` counts its blocks from 0. */
export interface ReorgTransaction {
  readonly transaction: Transaction;
  readonly block: number;
}

/** A chain whose clock is the wall's, and the verbs of the people who use it. */
export interface AnvilLab extends BlockhostChain {
  readonly url: string;
  readonly wsUrl: string;
  readonly chainId: number;
  readonly pid: number;
  /** Unlocked and funded; the first deploys the contracts and owns them. */
  readonly accounts: readonly string[];
  readonly rpc: Rpc;
  head(): Promise<Head>;
  block(tag: string | number): Promise<Head>;
  mine(blocks?: number): Promise<void>;
  /** Replaces the last `depth` blocks by as many new ones, which hold these transactions only. */
  reorg(depth: number, transactions?: readonly ReorgTransaction[]): Promise<void>;
  stop(): Promise<void>;
}

/** Starts anvil with interval mining, so that block times follow the wall clock. */
export async function startAnvil(options: AnvilOptions = {}): Promise<AnvilLab> {
  const { blockTimeSeconds = 1, slotsInAnEpoch = 4, chainId = 31337, accounts: count = 10, port = 0 } = options;
  const contracts = await compileContracts();
  const anvil = await launchAnvil(
    [
      ...['--port', `${port}`, '--chain-id', `${chainId}`, '--accounts', `${count}`],
      ...['--block-time', `${blockTimeSeconds}`, '--slots-in-an-epoch', `${slotsInAnEpoch}`],
    ],
    options.logFile,
  );
  const rpc = jsonRpc(`http://127.0.0.1:${anvil.port}`);
  const accounts = (await rpc<string[]>('eth_accounts')).map((account) => getAddress(account));
  const client = chainClient(rpc, 15_000 + blockTimeSeconds * 3_000);
  return {
    ...blockhostChain({ rpc, client, contracts, deployer: accounts[0] ?? '' }),
    url: `http://127.0.0.1:${anvil.port}`,
    wsUrl: `ws://127.0.0.1:${anvil.port}`,
    chainId,
    pid: anvil.pid,
    accounts,
    rpc,
    head: () => client.block('latest'),
    block: client.block,
    mine: async (blocks = 1) => void (await rpc('anvil_mine', [`0x${blocks.toString(16)}`])),
    reorg: async (depth, transactions = []) => {
      await rpc('anvil_reorg', [depth, transactions.map(({ transaction, block }) => [transaction, block])]);
      // anvil gives all new blocks the time of their common ancestor and would stay that far behind from then on.
      await rpc('evm_setTime', [Math.floor(Date.now() / 1000)]);
    },
    stop: anvil.stop,
  };
}
