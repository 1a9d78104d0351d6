import type { WitnessRead } from '../../domain/entitlement.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { headerAt } from './block-reads.ts';
import type { CallReader } from './call-reader.ts';
import type { Answer, EntitlementReading, Question } from './contract-adapter.ts';
import { pinLevelBlocks } from './level-blocks.ts';
import type { SaneNode } from './node-sanity.ts';
import type { RpcEndpoint } from './rpc-endpoint.ts';
import { RpcFailure } from './rpc-failure.ts';
import type { RpcPool } from './rpc-pool.ts';
import type { BlockHeader } from './rpc-schema.ts';

export interface WitnessDeps {
  readonly pool: RpcPool;
  readonly read: CallReader;
  readonly clock: Clock;
  readonly log: Log;
}

/** What the deciding node said of the finalized block, for the others to confirm or deny. */
export interface Testimony {
  readonly endpoint: RpcEndpoint;
  readonly block: BlockHeader;
  readonly questions: readonly Question<EntitlementReading>[];
  readonly answers: ReadonlyMap<string, Answer<EntitlementReading>>;
}

/** Per question: the reads of all endpoints that answered, and why they cannot all be right, if so. */
export interface Verdict {
  readonly reads: readonly WitnessRead[];
  readonly disagreement: string | undefined;
}

type Statement =
  | { readonly kind: 'other-chain'; readonly name: string; readonly hash: string }
  | {
      readonly kind: 'answers';
      readonly name: string;
      readonly answers: Testimony['answers'];
      readonly atUnixMs: number;
    };

/**
 * Asks every other endpoint for the same ids at the same finalized block (C5, C12). One that does not answer, or has
 * not finalized that block itself, is no witness; one that has another block there, or other values, is a disagreement,
 * which is told once until they agree again.
 */
export const createWitnesses = ({ pool, read, clock, log }: WitnessDeps) => {
  let told = '';

  const state = async (node: SaneNode, { block, questions }: Testimony): Promise<Statement | undefined> => {
    const name = node.endpoint.name;
    try {
      const { finalized } = await pinLevelBlocks(node.endpoint, node.head, pool.settings);
      if (finalized instanceof RpcFailure || finalized.number < block.number) return undefined;
      const same = finalized.number === block.number ? finalized : await headerAt(node.endpoint, block.number);
      if (!same) return undefined;
      if (same.hash !== block.hash) return { kind: 'other-chain', name, hash: same.hash };
      const answers = await read(node.endpoint, block, questions, true);
      return { kind: 'answers', name, answers, atUnixMs: clock.nowUnixMs() };
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      log.debug({ endpoint: name, why: error.message }, 'witness did not answer');
      return undefined;
    }
  };

  const tell = (disagreements: readonly string[], chainId: number): void => {
    const text = disagreements.slice(0, 3).join('; ');
    if (text === told) return;
    told = text;
    const fields = { chainId, why: text, count: disagreements.length, rule: 'C5' };
    if (text !== '') log.error(fields, 'endpoints disagree about the finalized block; nothing harmful is done');
    else log.info({ chainId }, 'endpoints agree again');
  };

  return async (testimony: Testimony): Promise<ReadonlyMap<string, Verdict>> => {
    const ownAtUnixMs = clock.nowUnixMs();
    const nodes = await pool.witnesses(testimony.endpoint);
    const statements = (await Promise.all(nodes.map((node) => state(node, testimony)))).filter(
      (one) => one !== undefined,
    );
    const verdicts = new Map<string, Verdict>();
    for (const { key } of testimony.questions) verdicts.set(key, verdictOn(key, testimony, ownAtUnixMs, statements));
    const disagreements = [...verdicts.values()].flatMap(({ disagreement }) => disagreement ?? []);
    tell([...new Set(disagreements)], pool.settings.chainId);
    return verdicts;
  };
};

const verdictOn = (key: string, own: Testimony, ownAtUnixMs: number, statements: readonly Statement[]): Verdict => {
  const ownName = own.endpoint.name;
  const ownAnswer = own.answers.get(key);
  const ownRead = readOf(ownName, ownAnswer, own.block, ownAtUnixMs);
  const reads = ownRead ? [ownRead] : [];
  let disagreement: string | undefined;
  for (const statement of statements) {
    if (statement.kind === 'other-chain') {
      disagreement ??= `endpoints disagree: block ${own.block.number} has hash ${own.block.hash} on ${ownName} and ${statement.hash} on ${statement.name}`;
      continue;
    }
    const answer = statement.answers.get(key);
    const read = readOf(statement.name, answer, own.block, statement.atUnixMs);
    if (read) reads.push(read);
    if (!sameAnswer(ownAnswer, answer)) {
      disagreement ??= `endpoints disagree: at block ${own.block.number}, ${ownName} says ${inWords(ownAnswer)} and ${statement.name} says ${inWords(answer)} of ${key}`;
    }
  }
  return { reads, disagreement };
};

const readOf = (
  endpoint: string,
  answer: Answer<EntitlementReading> | undefined,
  block: BlockHeader,
  readAtUnixMs: number,
): WitnessRead | undefined => {
  if (!answer?.ok) return undefined;
  const { expiresAtUnix, cancelled } = answer.value;
  return { endpoint, expiresAtUnix, cancelled, blockNumber: block.number, blockHash: block.hash, readAtUnixMs };
};

const sameAnswer = (a: Answer<EntitlementReading> | undefined, b: Answer<EntitlementReading> | undefined): boolean => {
  if (!a?.ok || !b?.ok) return a?.ok === b?.ok;
  const { owner, expiresAtUnix, cancelled } = a.value;
  return owner === b.value.owner && expiresAtUnix === b.value.expiresAtUnix && cancelled === b.value.cancelled;
};

const inWords = (answer: Answer<EntitlementReading> | undefined): string => {
  if (!answer?.ok) return `"${answer?.why ?? 'nothing'}"`;
  const { expiresAtUnix, cancelled, owner } = answer.value;
  return `${cancelled ? 'cancelled, ' : ''}expiry ${expiresAtUnix}, owner ${owner}`;
};
