import type { ChainSettings } from '../../domain/chain-settings.ts';
import type { BlockRef } from '../../domain/entitlement.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { type ChainMemory, createChainMemory, NODES } from './chain-memory.ts';
import { createEndpointNotices } from './endpoint-notices.ts';
import {
  compareScores,
  type EndpointScore,
  mayBeAsked,
  newScore,
  scoreFailure,
  scoreLook,
  scoreServed,
} from './endpoint-score.ts';
import { createNodeSanity, type LookMode, type SaneNode } from './node-sanity.ts';
import { type Connect, createRpcEndpoint, type RpcEndpoint } from './rpc-endpoint.ts';
import { type EndpointFault, NoNodeFailure, RpcFailure } from './rpc-failure.ts';
import { blockRef } from './rpc-schema.ts';

export interface RpcPoolDeps {
  readonly settings: ChainSettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly connect?: Connect;
  readonly random?: () => number;
}

/** The endpoints of one chain (C12). Rejections are `RpcFailure`s. */
export interface RpcPool {
  readonly settings: ChainSettings;
  readonly memory: ChainMemory;
  /** Distinct endpoints: one that is configured twice is one witness, not two. */
  readonly endpointCount: number;
  /**
   * Does the whole of one decision's work on one sane node (C7); where that fails, all of it anew on the next one.
   * Rejects with `NoNodeFailure` when no endpoint could do it, at once while the chain is distrusted (D23).
   */
  use<T>(work: (node: SaneNode) => Promise<T>): Promise<T>;
  /** Every endpoint (but this one) that is sane enough to be a witness; one that is not is left out (C5). */
  witnesses(except?: RpcEndpoint): Promise<readonly SaneNode[]>;
  /** The last sane head, and when it was seen. */
  lastSane(): { readonly head: BlockRef; readonly atMonotonicMs: number } | undefined;
  /** Why the last `use` failed; undefined after a success. */
  lastFailure(): string | undefined;
}

interface Member {
  readonly endpoint: RpcEndpoint;
  readonly look: (mode?: LookMode) => Promise<SaneNode>;
  readonly score: EndpointScore;
}

/** All endpoints are looked at this often, so that a better one than the favourite is found. */
const SURVEY_EVERY_MS = 30_000;

export const createRpcPool = (deps: RpcPoolDeps): RpcPool => {
  const { settings, clock } = deps;
  const random = deps.random ?? Math.random;
  const memory = createChainMemory(clock);
  const notices = createEndpointNotices(deps.log, settings.chainId);
  const members = createMembers(deps, memory);
  let surveyedAtMs = clock.monotonicMs();
  let lastSane: { head: BlockRef; atMonotonicMs: number } | undefined;
  let lastFailure: string | undefined;

  const lookAt = async (member: Member, mode: LookMode = 'serve'): Promise<SaneNode> => {
    const startedMs = clock.monotonicMs();
    const node = await member.look(mode).catch((error: unknown) => fail(member, error));
    scoreLook(member.score, node.head.number, clock.monotonicMs() - startedMs);
    if (mode === 'serve') lastSane = { head: blockRef(node.head), atMonotonicMs: clock.monotonicMs() };
    return node;
  };

  const fail = (member: Member, error: unknown): never => {
    if (!(error instanceof RpcFailure)) throw error;
    scoreFailure(member.score, error, clock, random);
    notices.failed(member.endpoint.name, error);
    throw error;
  };

  const serve = (member: Member): void => {
    scoreServed(member.score);
    notices.served(member.endpoint.name);
  };

  const survey = async (): Promise<void> => {
    if (members.length < 2 || clock.monotonicMs() - surveyedAtMs < SURVEY_EVERY_MS) return;
    surveyedAtMs = clock.monotonicMs();
    const askable = members.filter(({ score }) => score.coolUntilMs <= clock.monotonicMs());
    await Promise.all(askable.map((member) => lookAt(member, 'witness').catch(ignoreFailure)));
  };

  /**
   * Before any head is known, what one endpoint claims would be the measure for the others. So all are heard first, and
   * the lowest young head is where the count begins: one that is far beyond it will be told so.
   */
  const beginCount = async (): Promise<void> => {
    if (members.length < 2 || memory.plausibleHead() !== undefined) return;
    const glances = await Promise.all(inOrder().map(({ look }) => look('glance').catch(ignoreFailure)));
    const heads = glances.flatMap((glance) => (glance ? [glance.head.number] : []));
    const [lowest] = heads.sort((a, b) => (a < b ? -1 : 1));
    if (lowest !== undefined) memory.sawHead(lowest);
  };

  const inOrder = (): Member[] => {
    const nowMs = clock.monotonicMs();
    return members
      .filter(({ score }) => mayBeAsked(score, nowMs))
      .sort((a, b) => compareScores(a.score, b.score, nowMs));
  };

  const use = async <T>(work: (node: SaneNode) => Promise<T>): Promise<T> => {
    const trouble = memory.trouble();
    if (trouble) throw new RpcFailure('distrusted', trouble.why);
    await beginCount();
    await survey();
    const faults: EndpointFault[] = [];
    for (const member of inOrder()) {
      try {
        const node = await lookAt(member);
        const result = await work(node).catch((error: unknown) => fail(member, error));
        lastFailure = undefined;
        memory.knownAgain(NODES);
        serve(member);
        return result;
      } catch (error) {
        if (!(error instanceof RpcFailure)) throw error;
        faults.push({ endpoint: member.endpoint.name, fault: error.fault, why: error.message });
      }
    }
    const failure = new NoNodeFailure(faults.length > 0 ? faults : coolingFaults(members));
    lastFailure = failure.message;
    memory.unknownSince(NODES);
    throw failure;
  };

  const witnesses = async (except?: RpcEndpoint): Promise<readonly SaneNode[]> => {
    const nowMs = clock.monotonicMs();
    const others = members.filter(({ endpoint, score }) => endpoint !== except && mayBeAsked(score, nowMs));
    const looks = await Promise.all(others.map((member) => lookAt(member, 'witness').catch(ignoreFailure)));
    return looks.filter((look) => look !== undefined);
  };

  return {
    settings,
    memory,
    endpointCount: members.length,
    use,
    witnesses,
    lastSane: () => lastSane,
    lastFailure: () => memory.trouble()?.why ?? lastFailure,
  };
};

const createMembers = ({ settings, clock, log, connect }: RpcPoolDeps, memory: ChainMemory): Member[] => {
  const urls = [...new Set(settings.endpoints.map(({ url }) => url))];
  if (urls.length < settings.endpoints.length) {
    log.warn(
      { chainId: settings.chainId, distinct: urls.length },
      'an RPC endpoint is configured twice and counts once',
    );
  }
  return urls.map((url, index) => {
    const timeoutMs = settings.requestTimeoutMs;
    const endpoint = createRpcEndpoint({ index, url, timeoutMs, clock, ...(connect ? { connect } : {}) });
    return { endpoint, look: createNodeSanity({ endpoint, settings, memory, clock }), score: newScore() };
  });
};

const coolingFaults = (members: readonly Member[]): EndpointFault[] =>
  members.map(({ endpoint }) => ({ endpoint: endpoint.name, fault: 'rate-limited', why: 'asked for patience' }));

const ignoreFailure = (error: unknown): undefined => {
  if (error instanceof RpcFailure) return undefined;
  throw error;
};
