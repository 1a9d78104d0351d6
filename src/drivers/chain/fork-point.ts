import type { CursorBlock } from '../../domain/chain-cursor.ts';
import type { Ring } from '../../domain/cursor/ring.ts';
import { headerAt } from './block-reads.ts';
import type { RpcEndpoint } from './rpc-endpoint.ts';
import { RpcFailure } from './rpc-failure.ts';

const AT_ONCE = 16;

/**
 * The newest remembered block that is still on the node's chain: back through the ring, then the last settled block.
 * A fork below that one is `off-cursor`, with both hashes (D23).
 */
export const findForkPoint = async (endpoint: RpcEndpoint, ring: Ring, settled: CursorBlock): Promise<CursorBlock> => {
  const candidates = ring.filter(({ number }) => number > settled.number).reverse();
  for (let at = 0; at < candidates.length; at += AT_ONCE) {
    const part = candidates.slice(at, at + AT_ONCE);
    const found = await Promise.all(part.map(({ number }) => headerAt(endpoint, number)));
    const match = part.find(({ hash }, index) => found[index]?.hash === hash);
    if (match) return match;
  }
  const there = await headerAt(endpoint, settled.number);
  if (there?.hash === settled.hash) return settled;
  const instead = there ? `has hash ${there.hash}` : 'does not exist';
  throw new RpcFailure(
    'off-cursor',
    `settled block ${settled.number} had hash ${settled.hash}; on ${endpoint.name} it ${instead}`,
  );
};
