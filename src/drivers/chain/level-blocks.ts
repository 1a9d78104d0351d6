import type { ChainSettings, FinalityRule } from '../../domain/chain-settings.ts';
import type { FinalityLevel } from '../../domain/entitlement.ts';
import { headerByTag, mustHeaderAt } from './block-reads.ts';
import type { RpcEndpoint } from './rpc-endpoint.ts';
import { RpcFailure } from './rpc-failure.ts';
import type { BlockHeader } from './rpc-schema.ts';

/** The pinned block of each level on one node, or why there is none. */
export type LevelBlocks = Readonly<Record<FinalityLevel, BlockHeader | RpcFailure>>;

/**
 * Pins one block per finality level on one node, so that all reads of a decision see the same chain (C4, C5).
 * A level that the node cannot name is a failure of that level only. finalized <= safe <= head holds for the result.
 */
export const pinLevelBlocks = async (
  endpoint: RpcEndpoint,
  head: BlockHeader,
  settings: Pick<ChainSettings, 'safe' | 'finalized'>,
): Promise<LevelBlocks> => {
  const [safe, finalized] = await Promise.all([
    pinLevel(endpoint, head, 'safe', settings.safe),
    pinLevel(endpoint, head, 'finalized', settings.finalized),
  ]);
  const bothKnown = !(safe instanceof RpcFailure) && !(finalized instanceof RpcFailure);
  return { head, safe: bothKnown && finalized.number > safe.number ? finalized : safe, finalized };
};

const pinLevel = async (
  endpoint: RpcEndpoint,
  head: BlockHeader,
  level: 'safe' | 'finalized',
  rule: FinalityRule,
): Promise<BlockHeader | RpcFailure> => {
  try {
    const block = await blockOf(endpoint, head, level, rule);
    return block.number > head.number ? await notAboveHead(endpoint, head) : block;
  } catch (error) {
    if (!(error instanceof RpcFailure)) throw error;
    return error.fault === 'unsupported' && rule === 'tag'
      ? new RpcFailure('unsupported', `${error.message}; set \`${level}\` of this chain to a number of blocks`)
      : error;
  }
};

const blockOf = (
  endpoint: RpcEndpoint,
  head: BlockHeader,
  level: 'safe' | 'finalized',
  rule: FinalityRule,
): Promise<BlockHeader> => {
  if (rule === 'tag') return headerByTag(endpoint, level);
  const depth = BigInt(rule.depth);
  return mustHeaderAt(endpoint, head.number > depth ? head.number - depth : 0n);
};

/** The chain grew between two requests: the head is below a settled block, hence settled itself if it is still there. */
const notAboveHead = async (endpoint: RpcEndpoint, head: BlockHeader): Promise<BlockHeader> => {
  const again = await mustHeaderAt(endpoint, head.number);
  if (again.hash !== head.hash) throw new RpcFailure('moved', 'the chain was reorganised while it was read');
  return again;
};
