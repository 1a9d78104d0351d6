import type { CursorBlock } from '../../domain/chain-cursor.ts';
import type { ChainSettings } from '../../domain/chain-settings.ts';
import { append, continues, type Ring, rewind, tipOf } from '../../domain/cursor/ring.ts';
import { growSpan, shrinkSpan } from '../../domain/cursor/span.ts';
import type { TouchedBlocks } from '../../domain/cursor/touched-blocks.ts';
import type { ChainHint } from '../../ports/chain.ts';
import { mustHeaderAt } from './block-reads.ts';
import { findForkPoint } from './fork-point.ts';
import { type LogHint, touchedBy } from './log-decoder.ts';
import type { LogReader } from './log-reader.ts';
import type { SaneNode } from './node-sanity.ts';
import { RpcFailure, type RpcFault } from './rpc-failure.ts';
import { type BlockHeader, cursorBlock } from './rpc-schema.ts';

/** Where a walk stands. It is moved on block by block, so that what was done before a failure stays done. */
export interface WalkState {
  ring: Ring;
  settled: CursorBlock;
  span: number;
  /** Blocks passed since the cursor was last saved. */
  unsavedBlocks: number;
}

export interface BlockWalkDeps {
  readonly settings: ChainSettings;
  readonly logs: LogReader;
  readonly touched: TouchedBlocks;
}

/** Work of one poll is bounded: a follower that was away catches up over several polls. */
const STEPS_PER_POLL = 8;
const BLOCKS_PER_STEP = 16;
/** Settled blocks are read by range only when there are at least this many. */
const RANGE_FROM = 32n;
const SHRINK_ON: readonly RpcFault[] = ['rpc', 'garbage', 'http', 'unsupported', 'timeout'];

type Step = 'more' | 'done';

/**
 * Walks from the cursor to the head of one node and pushes a hint for every id that a log touches (C3, C4). A block
 * that does not continue the cursor is a reorg: back to the fork point, then forward again (C6).
 */
export const createBlockWalk = ({ settings, logs, touched }: BlockWalkDeps) => {
  const commit = (state: WalkState, block: BlockHeader, hints: readonly LogHint[], out: ChainHint[]): void => {
    state.ring = append(state.ring, cursorBlock(block), settings.cursorBlocks);
    state.unsavedBlocks += 1;
    touched.note(block, touchedBy(hints));
    out.push(...hints);
  };

  const goBack = async (node: SaneNode, state: WalkState, tip: CursorBlock, out: ChainHint[]): Promise<Step> => {
    const fork = await findForkPoint(node.endpoint, state.ring, state.settled);
    if (fork.hash === tip.hash) throw new RpcFailure('moved', 'the chain changed while it was read');
    const { kept, removed } = rewind(state.ring, fork.number);
    const { refs, tokens } = touched.in(removed.map(({ hash }) => hash));
    const depth = Number(tip.number - fork.number);
    out.push({ kind: 'reorg', depth, from: fork.number + 1n, suspects: refs });
    for (const tokenId of tokens) {
      out.push({ kind: 'token', tokenId, what: 'its block was taken back', block: fork.number + 1n });
    }
    state.ring = kept.length > 0 ? kept : [fork];
    return 'more';
  };

  const blockStep = async (node: SaneNode, state: WalkState, tip: CursorBlock, out: ChainHint[]): Promise<Step> => {
    const headers = await headersAbove(node, tip);
    const first = headers[0];
    if (!first || !continues(state.ring, cursorBlock(first))) return goBack(node, state, tip, out);
    const linked = linkedPrefix(headers);
    const hints = await Promise.allSettled(linked.map((header) => logs.ofBlock(node, header)));
    for (const [index, header] of linked.entries()) {
      const outcome = hints[index];
      if (outcome?.status === 'rejected') throw outcome.reason;
      if (outcome?.value === undefined) return 'done';
      commit(state, header, outcome.value, out);
    }
    return 'more';
  };

  const rangeStep = async (
    node: SaneNode,
    state: WalkState,
    tip: CursorBlock,
    upTo: bigint,
    out: ChainHint[],
  ): Promise<Step> => {
    const there = await mustHeaderAt(node.endpoint, tip.number);
    if (there.hash !== tip.hash) return goBack(node, state, tip, out);
    const last = tip.number + BigInt(state.span);
    const to = last < upTo ? last : upTo;
    try {
      const hints = await logs.ofRange(node.endpoint, tip.number + 1n, to);
      const end = await mustHeaderAt(node.endpoint, to);
      state.ring = [cursorBlock(end)];
      state.unsavedBlocks += Number(to - tip.number);
      state.span = growSpan(state.span);
      out.push(...hints);
    } catch (error) {
      if (!(error instanceof RpcFailure) || !SHRINK_ON.includes(error.fault) || state.span === 1) throw error;
      state.span = shrinkSpan(state.span);
      if (error.fault === 'timeout') throw error;
    }
    return 'more';
  };

  const step = (node: SaneNode, state: WalkState, settledTo: bigint, out: ChainHint[]): Promise<Step> | Step => {
    const tip = tipOf(state.ring) ?? state.settled;
    if (tip.number > node.head.number || tip.hash === node.head.hash) return 'done';
    if (tip.number === node.head.number) return goBack(node, state, tip, out);
    if (settledTo - tip.number >= RANGE_FROM) return rangeStep(node, state, tip, settledTo, out);
    return blockStep(node, state, tip, out);
  };

  return async (node: SaneNode, state: WalkState, settledTo: bigint, out: ChainHint[]): Promise<void> => {
    for (let steps = 0; steps < STEPS_PER_POLL; steps += 1) {
      if ((await step(node, state, settledTo, out)) === 'done') return;
    }
  };
};

const headersAbove = async ({ endpoint, head }: SaneNode, tip: CursorBlock): Promise<readonly BlockHeader[]> => {
  const count = Math.min(BLOCKS_PER_STEP, Number(head.number - tip.number));
  const numbers = Array.from({ length: count }, (_, index) => tip.number + 1n + BigInt(index));
  return Promise.all(numbers.map((number) => (number === head.number ? head : mustHeaderAt(endpoint, number))));
};

/** Headers up to the first that is no child of the one before: the chain moved while they were read. */
const linkedPrefix = (headers: readonly BlockHeader[]): readonly BlockHeader[] => {
  const broken = headers.findIndex((header, index) => {
    const before = headers[index - 1];
    return before !== undefined && header.parentHash !== before.hash;
  });
  return broken < 0 ? headers : headers.slice(0, broken);
};
