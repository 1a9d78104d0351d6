import type { Address } from '../../domain/identity.ts';
import type { CallReader } from './call-reader.ts';
import type { Question } from './contract-adapter.ts';
import { pinLevelBlocks } from './level-blocks.ts';
import type { SaneNode } from './node-sanity.ts';
import { RpcFailure } from './rpc-failure.ts';
import type { RpcPool } from './rpc-pool.ts';

const ownerOn = async (
  node: SaneNode,
  question: Question<Address>,
  pool: RpcPool,
  read: CallReader,
): Promise<Address | undefined> => {
  try {
    const { safe } = await pinLevelBlocks(node.endpoint, node.head, pool.settings);
    if (safe instanceof RpcFailure) return undefined;
    const answer = (await read(node.endpoint, safe, [question], true)).get(question.key);
    return answer?.ok ? answer.value : undefined;
  } catch (error) {
    if (error instanceof RpcFailure) return undefined;
    throw error;
  }
};

/**
 * Why this owner is not to be believed yet, if so: who may log in is never changed on the word of one endpoint where
 * several are configured (C12, D25). Each is asked afresh at its own safe block.
 */
export const ownerDoubt = async (
  owner: Address,
  question: Question<Address>,
  pool: RpcPool,
  read: CallReader,
): Promise<string | undefined> => {
  if (pool.endpointCount < 2) return undefined;
  const nodes = await pool.witnesses();
  const owners = (await Promise.all(nodes.map((node) => ownerOn(node, question, pool, read)))).filter(
    (answer) => answer !== undefined,
  );
  if (owners.length < 2) return 'only one endpoint tells the owner; a new one wants two';
  return owners.every((answer) => answer === owner) ? undefined : 'endpoints disagree about the owner';
};
