import type { CursorBlock } from '../../domain/chain-cursor.ts';
import { blockAt, tipOf } from '../../domain/cursor/ring.ts';
import { FIRST_SPAN } from '../../domain/cursor/span.ts';
import { createTouchedBlocks } from '../../domain/cursor/touched-blocks.ts';
import type { ChainHint } from '../../ports/chain.ts';
import type { Log } from '../../ports/log.ts';
import { mustHeaderAt } from './block-reads.ts';
import { createBlockWalk, type WalkState } from './block-walk.ts';
import { createCallReader } from './call-reader.ts';
import { adapterOf } from './contract-adapters.ts';
import { pinLevelBlocks } from './level-blocks.ts';
import { createLogReader } from './log-reader.ts';
import type { SaneNode } from './node-sanity.ts';
import { RpcFailure } from './rpc-failure.ts';
import type { RpcPool } from './rpc-pool.ts';
import { type BlockHeader, cursorBlock } from './rpc-schema.ts';

/** How far one pass came. */
export interface PassResult {
  readonly head: bigint;
  readonly tip: bigint;
  readonly safe: bigint;
  readonly finalized: bigint;
  /** Set when `nextSubscriptionId` became smaller (C8). */
  readonly shrunk: string | undefined;
}

/** One pass of a follower on one node: begin or walk on, then settle what became final. Rejects with `RpcFailure`. */
export const createFollowerPass = (pool: RpcPool, log: Log) => {
  const { settings, memory } = pool;
  const logs = createLogReader(pool, log);
  const touched = createTouchedBlocks();
  const walk = createBlockWalk({ settings, logs, touched });
  const read = createCallReader(settings.multicall);
  const nextIds = settings.contracts.flatMap(({ kind, address }) => {
    const question = adapterOf(kind).nextId?.(address);
    return question ? { address, question } : [];
  });
  let nextIdsReadAt = '';

  /** Where the node has no finality tag, blocks older than the cursor's capacity count as settled for reading logs only. */
  const settledBlock = async (node: SaneNode, pinned: BlockHeader | RpcFailure): Promise<BlockHeader> => {
    if (!(pinned instanceof RpcFailure)) return pinned;
    if (pinned.fault !== 'unsupported') throw pinned;
    const depth = BigInt(settings.cursorBlocks);
    return mustHeaderAt(node.endpoint, node.head.number > depth ? node.head.number - depth : 0n);
  };

  const settle = (state: WalkState, settled: BlockHeader): void => {
    const tip = tipOf(state.ring) ?? state.settled;
    const candidate: CursorBlock = settled.number <= tip.number ? cursorBlock(settled) : tip;
    if (candidate.number <= state.settled.number) return;
    const remembered = blockAt(state.ring, candidate.number);
    if (remembered && remembered.hash !== candidate.hash) {
      throw new RpcFailure('moved', `settled block ${candidate.number} is not on the chain of the head`);
    }
    state.settled = candidate;
    touched.forgetUpTo(candidate.number);
    memory.setAnchor(settled.number <= tip.number ? { ...candidate, timestampUnix: settled.timestampUnix } : candidate);
  };

  /** Reads what must not shrink at the settled block; a node without that state says nothing about it. */
  const shrinking = async (node: SaneNode, settled: BlockHeader): Promise<string | undefined> => {
    if (nextIds.length === 0 || nextIdsReadAt === settled.hash) return undefined;
    const questions = nextIds.map(({ question }) => question);
    const answers = await read(node.endpoint, settled, questions).catch(ignoreFailure);
    if (!answers) return undefined;
    for (const { address, question } of nextIds) {
      const answer = answers.get(question.key);
      if (!answer?.ok || memory.noteNextId(address, answer.value, settled.number)) continue;
      return `nextSubscriptionId of ${address} shrank from ${memory.nextIds()[address] ?? '?'} to ${answer.value}`;
    }
    nextIdsReadAt = settled.hash;
    return undefined;
  };

  const begin = (settled: BlockHeader): WalkState => {
    const block = cursorBlock(settled);
    memory.setAnchor({ ...block, timestampUnix: settled.timestampUnix });
    // Saved at once: an older cursor that an operator has released must not come back with a restart.
    return { ring: [block], settled: block, span: FIRST_SPAN, unsavedBlocks: Number.POSITIVE_INFINITY };
  };

  /** `keep` is given the state before the first block is walked, so that a failure on the way loses nothing. */
  return async (
    node: SaneNode,
    before: WalkState | undefined,
    out: ChainHint[],
    keep: (state: WalkState) => void,
  ): Promise<PassResult> => {
    const levels = await pinLevelBlocks(node.endpoint, node.head, settings);
    const settled = await settledBlock(node, levels.finalized);
    const state = before ?? begin(settled);
    keep(state);
    await walk(node, state, settled.number, out);
    memory.remember(state.ring);
    settle(state, settled);
    const tip = tipOf(state.ring) ?? state.settled;
    return {
      head: node.head.number,
      tip: tip.number,
      safe: levels.safe instanceof RpcFailure ? settled.number : levels.safe.number,
      finalized: settled.number,
      shrunk: await shrinking(node, settled),
    };
  };
};

const ignoreFailure = (error: unknown): undefined => {
  if (error instanceof RpcFailure) return undefined;
  throw error;
};
