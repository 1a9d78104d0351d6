import type { ChainSettings } from '../../domain/chain-settings.ts';
import type { Entitlement, EntitlementView, LoginView } from '../../domain/entitlement.ts';
import { type Fact, known, unknown } from '../../domain/fact.ts';
import { type SubscriptionRef, subscriptionKey } from '../../domain/identity.ts';
import type { Absent, Chain, ChainHealth, SubscriptionSummary } from '../../ports/chain.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { refForName, refsForName } from './name-binding.ts';
import type { Connect } from './rpc-endpoint.ts';
import type { RpcPool } from './rpc-pool.ts';
import { createSingleChain, type SingleChain } from './single-chain.ts';

export interface ChainDeps {
  readonly settings: readonly ChainSettings[];
  readonly clock: Clock;
  readonly log: Log;
  /** Transport of one endpoint; viem's HTTP transport when left out. */
  readonly connect?: Connect;
  /** For jitter: 0 <= x < 1. */
  readonly random?: () => number;
}

/** The chain reader, with the pool of each chain for its follower. */
export interface ChainReader extends Chain {
  pool(chainId: number): RpcPool | undefined;
}

/**
 * Reads of all configured chains behind one interface (C4, C5, C7, C8, C12). Nothing here rejects for what an endpoint
 * does: each failure is an unknown fact with a reason and the time at which it became unknown (L3).
 */
export const createChain = (deps: ChainDeps): ChainReader => {
  const { clock, log } = deps;
  const chains = deps.settings.map((settings) => createSingleChain({ ...deps, settings }));
  const byId = new Map(chains.map((chain) => [chain.settings.chainId, chain]));
  const since = new Map<string, number>();
  const unknownSince = (key: string): number => {
    const start = since.get(key) ?? clock.nowUnixMs();
    since.set(key, start);
    return start;
  };

  /** A defect of ours must not look like an answer, nor end the daemon: it is unknown and told as an error. */
  const guarded = async <T>(work: Promise<T>, fallback: (why: string) => T): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      log.error({ err: error }, 'defect while reading the chain');
      return fallback('a defect of this program; see the log');
    }
  };

  const entitlement: Chain['entitlement'] = async (ref, depth) => {
    const nowhere = (why: string): EntitlementView =>
      unknownView(why, unknownSince(subscriptionKey(ref)), byId.get(ref.chainId)?.pool.endpointCount ?? 0, clock);
    const chain = byId.get(ref.chainId);
    if (!chain) return nowhere(`chain ${ref.chainId} is not configured`);
    const view = await guarded<EntitlementView | undefined>(chain.entitlement(ref, depth), nowhere);
    return view ?? nowhere(`contract ${ref.contract} is not configured on chain ${ref.chainId}`);
  };

  const login: Chain['login'] = async ({ tokenId, chainId }, depth) => {
    const nowhere = (why: string): LoginView => {
      const fact = unknown(why, unknownSince(`token ${tokenId}`));
      return { tokenId, head: fact, safe: fact, readAtUnixMs: clock.nowUnixMs() };
    };
    if (tokenId === 0n) return nowhere("token 0 is the administrator's, never a customer's");
    // A token of one chain says nothing about a machine of another.
    const withCredential = chains.filter(({ settings }) => settings.credentialNft !== undefined);
    const chain =
      chainId === undefined ? withCredential[0] : withCredential.find(({ settings }) => settings.chainId === chainId);
    if (chainId === undefined && withCredential.length > 1)
      return nowhere('several credential contracts are configured');
    const view = chain && (await guarded<LoginView | undefined>(chain.login(tokenId, depth), nowhere));
    return view ?? nowhere('no credential contract is configured for its chain');
  };

  const subscriptions: Chain['subscriptions'] = () =>
    guarded<Fact<readonly SubscriptionSummary[]>>(listAll(chains), (why) => unknown(why, unknownSince('list')));

  return {
    configured: chains.length > 0,
    knows: (ref) => knowsRef(byId.get(ref.chainId), ref),
    entitlement,
    login,
    subscriptions,
    refForName: (vmName) => refForName(deps.settings, vmName),
    refsForName: (vmName) => refsForName(deps.settings, vmName),
    subscription: async (ref) => {
      const nowhere = (why: string): Fact<Entitlement | Absent> => unknown(why, unknownSince(subscriptionKey(ref)));
      const chain = byId.get(ref.chainId);
      const fact = chain && (await guarded<Fact<Entitlement | Absent> | undefined>(chain.subscription(ref), nowhere));
      return fact ?? nowhere(`contract ${ref.contract} is not configured on chain ${ref.chainId}`);
    },
    credentialSupply: (chainId) => {
      const chain =
        byId.get(chainId ?? Number.NaN) ?? chains.find(({ settings }) => settings.credentialNft !== undefined);
      const nowhere = (why: string): Fact<bigint> => unknown(why, unknownSince('supply'));
      return chain ? guarded(chain.credentialSupply(), nowhere) : Promise.resolve(known(0n));
    },
    health: () => healthOfAll(chains, unknownSince('head')),
    pool: (chainId) => byId.get(chainId)?.pool,
  };
};

const knowsRef = (chain: SingleChain | undefined, ref: SubscriptionRef): boolean =>
  chain?.settings.contracts.some(({ address }) => address === ref.contract) ?? false;

const unknownView = (why: string, sinceUnixMs: number, endpointsConfigured: number, clock: Clock): EntitlementView => {
  const fact = unknown(why, sinceUnixMs);
  return {
    head: fact,
    safe: fact,
    finalized: fact,
    witnesses: [],
    endpointsConfigured,
    readAtUnixMs: clock.nowUnixMs(),
  };
};

/** One unknown chain makes the whole list unknown: a list with a gap looks like a complete one. */
const listAll = async (chains: readonly SingleChain[]): Promise<Fact<readonly SubscriptionSummary[]>> => {
  const lists = await Promise.all(chains.map((chain) => chain.subscriptions()));
  const all: SubscriptionSummary[] = [];
  for (const list of lists) {
    if (!list.known) return list;
    all.push(...list.value);
  }
  return known(all);
};

/** No chain configured is a known fact and holds nothing back (D12); of several, each must be synced. */
const healthOfAll = (chains: readonly SingleChain[], startedUnixMs: number): ChainHealth => {
  const healths = chains.map((chain) => chain.health());
  return {
    synced: healths.find(({ synced }) => !synced.known)?.synced ?? known(true),
    head: healths[0]?.head ?? unknown('no chain is configured', startedUnixMs),
  };
};
