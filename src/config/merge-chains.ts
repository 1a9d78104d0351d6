import type { ChainSettings, FinalityRule } from '../domain/chain-settings.ts';
import type { Address } from '../domain/identity.ts';
import { type ChainFile, chainShape } from './chain-schema.ts';
import { createContractNaming, type Entitlement } from './contracts.ts';
import type { EngineChain } from './engine-chain.ts';
import type { Problems } from './problems.ts';
import type { ProvisionerFile } from './provisioner-schema.ts';

/** Multicall3 is at this address on every public chain; where it has no code, reads go one by one. */
const MULTICALL3: Address = '0xca11bde05977b3631167028862be2a173976ca11';

const SHIPPED = {
  safe: 'tag',
  finalized: 'tag',
  pollEveryMs: 4000,
  requestTimeoutMs: 10_000,
  maxHeadAgeMs: 120_000,
  cursorBlocks: 512,
} as const;

/**
 * The chains: provisioner.yaml's `chains`, or the one chain that the engine's files and our own top-level keys describe
 * together. [] means that no chain is configured, which is a known fact (D12). So a chain that is configured in part is an
 * error that names the rest, never "not configured".
 */
export const mergeChains = (
  { ours, file, engine }: { ours: ProvisionerFile; file: string; engine: EngineChain },
  problems: Problems,
): ChainSettings[] => {
  const entitlement = ours.entitlement ?? 'subscription';
  const naming = createContractNaming({ entitlement, file, problems });
  const given = CHAIN_KEYS.filter((key) => ours[key] !== undefined);
  if (ours.chains === undefined) {
    if (!engine.chosen && given.length === 0) return [];
    const settings = complete(usualChain(ours, entitlement, engine), '', { file, problems, naming });
    return settings === undefined ? [] : [settings];
  }
  for (const key of given) problems.add(file, `has both chains and ${key}; wants ${key} within an entry of chains`);
  const chains = ours.chains.flatMap((chain, i) => complete(chain, `chains[${i}].`, { file, problems, naming }) ?? []);
  const twice = chains.find(({ chainId }, i) => chains.findIndex((other) => other.chainId === chainId) < i);
  if (twice !== undefined) problems.add(file, `chains has chain_id ${twice.chainId} twice; wants one entry per chain`);
  return chains;
};

const CHAIN_KEYS = Object.keys(chainShape) as (keyof ChainFile)[];

/** The engine's chain with our keys laid over it; a list of ours stands instead of the engine's single value. */
const usualChain = (ours: ProvisionerFile, entitlement: Entitlement, engine: EngineChain): ChainFile => {
  const nft = ours.credential_nft ?? engine.nft;
  const expiry = entitlement === 'nft' ? nft : engine.subscriptions;
  const kind = entitlement === 'nft' ? 'access-nft' : 'subscriptions';
  return {
    ...ours,
    chain_id: ours.chain_id ?? engine.chainId,
    rpc: ours.rpc ?? (engine.rpcUrl === undefined ? undefined : [{ url: engine.rpcUrl }]),
    contracts: ours.contracts ?? (expiry === undefined ? undefined : [{ kind, address: expiry }]),
    credential_nft: nft,
  };
};

interface Context {
  readonly file: string;
  readonly problems: Problems;
  readonly naming: ReturnType<typeof createContractNaming>;
}

const complete = (chain: ChainFile, key: string, { file, problems, naming }: Context): ChainSettings | undefined => {
  const { chain_id: chainId, rpc, contracts, credential_nft: credentialNft } = chain;
  if (chainId === undefined || rpc === undefined || contracts === undefined) {
    problems.add(file, partly(chain, key));
    return undefined;
  }
  return {
    chainId,
    endpoints: endpointsOf(rpc),
    contracts: naming(contracts, key),
    ...(credentialNft === undefined ? {} : { credentialNft }),
    multicall: chain.multicall ?? MULTICALL3,
    safe: (chain.safe as FinalityRule | undefined) ?? SHIPPED.safe,
    finalized: (chain.finalized as FinalityRule | undefined) ?? SHIPPED.finalized,
    pollEveryMs: chain.poll_every ?? SHIPPED.pollEveryMs,
    requestTimeoutMs: chain.request_timeout ?? SHIPPED.requestTimeoutMs,
    maxHeadAgeMs: chain.max_head_age ?? SHIPPED.maxHeadAgeMs,
    cursorBlocks: chain.cursor_blocks ?? SHIPPED.cursorBlocks,
  };
};

const partly = (chain: ChainFile, key: string): string => {
  const lacks = [
    chain.chain_id === undefined ? 'chain_id' : undefined,
    chain.rpc === undefined ? 'rpc (an endpoint)' : undefined,
    chain.contracts === undefined ? 'contracts (the subscription contract)' : undefined,
  ].filter((part) => part !== undefined);
  const which = key === '' ? 'the chain' : key.slice(0, -1);
  const cure = key === '' ? "; wants it here or in the engine's files, or `chains: []` here if there is no chain" : '';
  return `${which} is configured in part: ${lacks.join(', ')} ${lacks.length === 1 ? 'is' : 'are'} missing${cure}`;
};

/** One endpoint written twice would be one witness posing as two (C5). */
const endpointsOf = (rpc: NonNullable<ChainFile['rpc']>): ChainSettings['endpoints'] => {
  const byUrl = new Map(rpc.map((endpoint) => [new URL(endpoint.url).href, endpoint]));
  return [...byUrl.values()].map(({ url, web_socket: webSocketUrl }) => ({
    url,
    ...(webSocketUrl === undefined ? {} : { webSocketUrl }),
  }));
};
