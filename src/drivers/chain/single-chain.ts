import type { ChainSettings } from '../../domain/chain-settings.ts';
import type { Entitlement, EntitlementView, LoginView } from '../../domain/entitlement.ts';
import { type Fact, known, unknown } from '../../domain/fact.ts';
import type { SubscriptionRef } from '../../domain/identity.ts';
import type { Absent, ChainHealth, ReadDepth, SubscriptionSummary } from '../../ports/chain.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { createBatcher } from './batcher.ts';
import { createCallReader } from './call-reader.ts';
import { type ChainAnswers, createChainReads, type ReadItem } from './chain-reads.ts';
import { adapterOf } from './contract-adapters.ts';
import { credentialAdapter } from './credential-adapter.ts';
import { createExistence } from './existence.ts';
import { createFactKeeper } from './fact-keeper.ts';
import { listSubscriptions } from './list-subscriptions.ts';
import { ownerDoubt } from './owner-witnesses.ts';
import type { Connect } from './rpc-endpoint.ts';
import { RpcFailure } from './rpc-failure.ts';
import { createRpcPool, type RpcPool } from './rpc-pool.ts';
import { createWitnesses } from './witnesses.ts';

export interface SingleChainDeps {
  readonly settings: ChainSettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly connect?: Connect;
  readonly random?: () => number;
}

/** The reads of one configured chain; `Chain` puts several of these together. No call rejects for what endpoints do. */
export interface SingleChain {
  readonly settings: ChainSettings;
  readonly pool: RpcPool;
  entitlement(ref: SubscriptionRef, depth: ReadDepth): Promise<EntitlementView | undefined>;
  login(tokenId: bigint, depth: 'head' | 'with-witnesses'): Promise<LoginView | undefined>;
  /** Undefined where the contract is not one of this chain's. */
  subscription(ref: SubscriptionRef): Promise<Fact<Entitlement | Absent> | undefined>;
  credentialSupply(): Promise<Fact<bigint>>;
  subscriptions(): Promise<Fact<readonly SubscriptionSummary[]>>;
  health(): ChainHealth;
}

/** What is asked within these milliseconds shares one pass. */
const BATCH_WAIT_MS = 3;

export const createSingleChain = (deps: SingleChainDeps): SingleChain => {
  const { settings, clock } = deps;
  const log = deps.log.child({ part: 'chain', chainId: settings.chainId });
  const pool = createRpcPool({ ...deps, log });
  const read = createCallReader(settings.multicall);
  const witnesses = createWitnesses({ pool, read, clock, log });
  const nextIdQuestions = settings.contracts.flatMap(({ kind, address }) => adapterOf(kind).nextId?.(address) ?? []);
  const chainReads = createChainReads({ pool, read, witnesses, nextIdQuestions, clock });
  const facts = createFactKeeper({ memory: pool.memory, clock, log, endpointsConfigured: pool.endpointCount });
  const ask = createBatcher<ReadItem, ChainAnswers>({
    clock,
    waitMs: BATCH_WAIT_MS,
    run: async (items) => {
      const answers = await chainReads(items);
      return items.map(() => answers);
    },
  });

  const entitlement = async (ref: SubscriptionRef, depth: ReadDepth): Promise<EntitlementView | undefined> => {
    const contract = settings.contracts.find(({ address }) => address === ref.contract);
    if (!contract) return undefined;
    const question = adapterOf(contract.kind).entitlement(contract.address, ref.subscriptionId);
    return facts.entitlement(ref, depth, question, await ask({ kind: 'entitlement', ref, depth, question }));
  };

  const login: SingleChain['login'] = async (tokenId, depth) => {
    if (!settings.credentialNft) return undefined;
    const question = credentialAdapter.owner(settings.credentialNft, tokenId);
    const view = facts.login(tokenId, question, await ask({ kind: 'owner', question }));
    if (depth === 'head' || !view.safe.known) return view;
    const doubt = await ownerDoubt(view.safe.value, question, pool, read);
    const key = `owner ${tokenId} by all`;
    if (doubt !== undefined) return { ...view, safe: unknown(doubt, pool.memory.unknownSince(key)) };
    pool.memory.knownAgain(key);
    return view;
  };

  const subscriptions = async (): Promise<Fact<readonly SubscriptionSummary[]>> => {
    try {
      const lists = await pool.use((node) =>
        Promise.all(settings.contracts.map((contract) => listSubscriptions(node, read, settings.chainId, contract))),
      );
      pool.memory.knownAgain('list');
      return known(lists.flat());
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      return unknown(error.message, pool.memory.unknownSince('list'));
    }
  };

  const { subscription, credentialSupply } = createExistence({ settings, pool, read, clock });

  return {
    settings,
    pool,
    entitlement,
    login,
    subscription,
    credentialSupply,
    subscriptions,
    health: () => healthOf(pool, clock),
  };
};

/** Synced: a sane node was seen lately, nothing waits for an operator, and the follower (if any) is up to date (L6). */
const healthOf = ({ memory, settings, lastSane, lastFailure }: RpcPool, clock: Clock): ChainHealth => {
  const last = lastSane();
  const oldMs = last === undefined ? undefined : clock.monotonicMs() - last.atMonotonicMs;
  const silent =
    oldMs === undefined
      ? 'no node has answered yet'
      : oldMs > settings.maxHeadAgeMs
        ? `no node was heard for ${Math.round(oldMs / 1000)} s`
        : undefined;
  const headWhy = lastFailure() ?? silent;
  const why = headWhy ?? memory.lag()?.why;
  return {
    head:
      last === undefined || headWhy !== undefined
        ? unknownNow(headWhy ?? '', 'health head')
        : knownNow(last.head, 'health head'),
    synced: why === undefined ? knownNow(true as const, 'health synced') : unknownNow(why, 'health synced'),
  };

  function unknownNow(reason: string, key: string): Fact<never> {
    return unknown(reason, memory.unknownSince(key));
  }
  function knownNow<T>(value: T, key: string): Fact<T> {
    memory.knownAgain(key);
    return known(value);
  }
};
