import type { FinalityLevel } from '../../domain/entitlement.ts';
import type { Address, SubscriptionRef } from '../../domain/identity.ts';
import type { ReadDepth } from '../../ports/chain.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CallReader } from './call-reader.ts';
import type { Answer, EntitlementReading, Question } from './contract-adapter.ts';
import { pinLevelBlocks } from './level-blocks.ts';
import type { SaneNode } from './node-sanity.ts';
import { RpcFailure } from './rpc-failure.ts';
import type { RpcPool } from './rpc-pool.ts';
import type { BlockHeader } from './rpc-schema.ts';
import type { createWitnesses, Verdict } from './witnesses.ts';

/** One thing that somebody wants to know; several of one moment share one pass over the levels. */
export type ReadItem =
  | {
      readonly kind: 'entitlement';
      readonly ref: SubscriptionRef;
      readonly depth: ReadDepth;
      readonly question: Question<EntitlementReading>;
    }
  | { readonly kind: 'owner'; readonly question: Question<Address> };

/** What one level came to on the node that was used. */
export type LevelAnswers =
  | {
      readonly ok: true;
      readonly block: BlockHeader;
      readonly entitlements: ReadonlyMap<string, Answer<EntitlementReading>>;
      readonly owners: ReadonlyMap<string, Answer<Address>>;
      readonly nextIds: ReadonlyMap<string, Answer<bigint>>;
    }
  | { readonly ok: false; readonly why: string };

export interface ChainAnswers {
  readonly levels: Readonly<Record<FinalityLevel, LevelAnswers>>;
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** When the reading began: nothing in it is older. */
  readonly readAtUnixMs: number;
}

export interface ChainReadsDeps {
  readonly clock: Clock;
  readonly pool: RpcPool;
  readonly read: CallReader;
  readonly witnesses: ReturnType<typeof createWitnesses>;
  readonly nextIdQuestions: readonly Question<bigint>[];
}

const NOT_READ: LevelAnswers = { ok: false, why: 'this level was not asked for' };

/**
 * Reads a batch at one pinned block per level, all of it on one node (C4, C5). Where a node fails in part, the next one
 * does the whole batch anew; if none can, the most complete attempt counts and its gaps say why. Never rejects for
 * what endpoints do.
 */
export const createChainReads =
  (deps: ChainReadsDeps) =>
  async (items: readonly ReadItem[]): Promise<ChainAnswers> => {
    let best: { answers: ChainAnswers; known: number } | undefined;
    try {
      return await deps.pool.use(async (node) => {
        const { answers, failures } = await readOn(node, items, deps);
        const known = 3 - failures.length;
        if (!best || known > best.known) best = { answers, known };
        const first = failures.find(({ fault }) => fault !== 'unsupported');
        if (first) throw first;
        return answers;
      });
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      if (best && best.known > 0) return best.answers;
      const level: LevelAnswers = { ok: false, why: error.message };
      const readAtUnixMs = deps.clock.nowUnixMs();
      return { levels: { head: level, safe: level, finalized: level }, verdicts: new Map(), readAtUnixMs };
    }
  };

const readOn = async (
  node: SaneNode,
  items: readonly ReadItem[],
  { pool, read, witnesses, nextIdQuestions, clock }: ChainReadsDeps,
): Promise<{ answers: ChainAnswers; failures: readonly RpcFailure[] }> => {
  const failures: RpcFailure[] = [];
  const readAtUnixMs = clock.nowUnixMs();
  const blocks = needsOlder(items)
    ? await pinLevelBlocks(node.endpoint, node.head, pool.settings)
    : { head: node.head, safe: undefined, finalized: undefined };

  const level = async (name: FinalityLevel): Promise<LevelAnswers> => {
    const block = blocks[name];
    if (block === undefined) return NOT_READ;
    try {
      if (block instanceof RpcFailure) throw block;
      const wanted = questionsAt(name, items);
      const fresh = name === 'finalized' && items.some(wantsWitnesses);
      const nextIdsWanted = name === 'finalized' && wanted.entitlements.length > 0 ? nextIdQuestions : [];
      const [entitlements, owners, nextIds] = await Promise.all([
        read(node.endpoint, block, wanted.entitlements, fresh),
        read(node.endpoint, block, wanted.owners),
        read(node.endpoint, block, nextIdsWanted),
      ]);
      return { ok: true, block, entitlements, owners, nextIds };
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      failures.push(error);
      return { ok: false, why: `${node.endpoint.name}: ${error.message}` };
    }
  };

  const [head, safe, finalized] = await Promise.all([level('head'), level('safe'), level('finalized')]);
  const questions = items.flatMap((item) => (wantsWitnesses(item) ? item.question : []));
  const verdicts =
    finalized.ok && questions.length > 0
      ? await witnesses({ endpoint: node.endpoint, block: finalized.block, questions, answers: finalized.entitlements })
      : new Map<string, Verdict>();
  return { answers: { levels: { head, safe, finalized }, verdicts, readAtUnixMs }, failures };
};

const needsOlder = (items: readonly ReadItem[]): boolean =>
  items.some((item) => item.kind === 'owner' || item.depth !== 'head');

type WitnessedItem = Extract<ReadItem, { kind: 'entitlement' }>;

const wantsWitnesses = (item: ReadItem): item is WitnessedItem =>
  item.kind === 'entitlement' && item.depth === 'with-witnesses';

const questionsAt = (level: FinalityLevel, items: readonly ReadItem[]) => ({
  entitlements: items.flatMap((item) =>
    item.kind === 'entitlement' && (level === 'head' || item.depth !== 'head') ? item.question : [],
  ),
  owners: items.flatMap((item) => (item.kind === 'owner' && level !== 'finalized' ? item.question : [])),
});
