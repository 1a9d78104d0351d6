import type { Connect } from '../../drivers/chain/rpc-endpoint.ts';
import { createModelChain, type ModelAction, type ModelBlock, type ModelChain } from '../models/model-chain.ts';
import { createModelNode, type ModelNode } from '../models/model-node.ts';
import type { HostScenario } from '../scenario/schema.ts';
import type { VirtualClock } from '../time/virtual-clock.ts';
import { START_UNIX_MS } from './settings.ts';

/** The chain as it really is, the nodes that tell of it, and the handles by which a history moves it. */
export interface WorldChain {
  readonly nodes: readonly ModelNode[];
  readonly connect: Connect;
  /** Goes into the next block. */
  send(action: ModelAction): void;
  /** Replaces the last blocks; what was in them is done again in the new ones, or is lost. */
  reorg(depth: number, keeps: boolean): void;
  halt(on: boolean): void;
  head(): ModelBlock;
  at(number: number): ModelBlock | undefined;
  canonical(): readonly ModelBlock[];
}

/** Blocks that are there before the history begins. */
const OLDER_BLOCKS = 40;

export const createWorldChain = (
  host: HostScenario,
  clock: VirtualClock,
  founding: readonly ModelAction[],
): WorldChain => {
  const startUnix = BigInt(Math.floor((START_UNIX_MS - OLDER_BLOCKS * host.blockMs) / 1000));
  const chain: ModelChain = createModelChain({ startUnix });
  const doneIn = new Map<string, readonly ModelAction[]>();
  let pending: ModelAction[] = [];
  let halted = false;

  /** The chain's own time is the true one: no jump of the host's clock moves it. */
  const trueUnix = (): bigint => BigInt(Math.floor((START_UNIX_MS + clock.monotonicMs()) / 1000));

  const mine = (actions: readonly ModelAction[], timestamp: bigint): void => {
    const parent = chain.head().timestamp;
    const block = chain.mine(actions, timestamp > parent ? timestamp : parent + 1n);
    if (actions.length > 0) doneIn.set(block.hash, actions);
  };

  mine(founding, startUnix + 1n);
  for (let count = 1; count < OLDER_BLOCKS; count += 1) {
    mine([], startUnix + BigInt(Math.floor((count * host.blockMs) / 1000)));
  }

  const run = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(host.blockMs);
      if (halted) continue;
      mine(pending, trueUnix());
      pending = [];
    }
  };
  void run();

  const nodes = Array.from({ length: host.nodes }, () =>
    createModelNode(() => chain, { safe: host.safeBlocks, finalized: host.finalizedBlocks }, {}, clock),
  );

  return {
    nodes,
    connect: (url) => {
      const node = nodes[Number(/node(\d+)\./.exec(url)?.[1])];
      if (!node) throw new Error(`there is no node behind ${url}`);
      return node.request;
    },
    send: (action) => void pending.push(action),
    reorg: (depth, keeps) => {
      const top = chain.head().number;
      // Below finality a chain does not turn: that is another chain, and another story (D23).
      const fork = Math.max(top - Math.min(depth, host.finalizedBlocks), 1);
      const dropped = chain.canonical().slice(fork + 1);
      chain.dropTo(fork);
      for (const block of dropped) mine(keeps ? (doneIn.get(block.hash) ?? []) : [], block.timestamp);
      mine([], trueUnix());
    },
    halt: (on) => {
      halted = on;
    },
    head: chain.head,
    at: chain.at,
    canonical: chain.canonical,
  };
};
