import type { ChainSettings } from '../../domain/chain-settings.ts';
import { DEFAULT_POLICY, type Policy } from '../../domain/policy.ts';
import { MULTICALL, NFT, SUBSCRIPTIONS } from '../models/model-chain.ts';
import type { HostScenario, Scenario } from '../scenario/schema.ts';

export const CHAIN_ID = 31337;
/** The simulator's year begins here, by every clock. */
export const START_UNIX_MS = Date.UTC(2026, 0, 1);

/** What an operator would have configured for such a host. */
export const policyOf = ({ host, policy = DEFAULT_POLICY }: Scenario): Policy => {
  const { graceMs, quarantineMs, suspendMode, onOwnerStop } = host;
  return { ...policy, graceMs, quarantineMs, suspendMode, onOwnerStop };
};

export const chainSettingsOf = (host: HostScenario): ChainSettings => ({
  chainId: CHAIN_ID,
  endpoints: Array.from({ length: host.nodes }, (_, index) => ({ url: `http://node${index}.example:8545/` })),
  contracts: [{ kind: 'subscriptions', address: SUBSCRIPTIONS, namePrefix: 'blockhost-' }],
  credentialNft: NFT,
  multicall: MULTICALL,
  safe: 'tag',
  finalized: 'tag',
  pollEveryMs: host.pollEveryMs,
  requestTimeoutMs: 10_000,
  maxHeadAgeMs: 120_000 + 2 * host.blockMs,
  cursorBlocks: 96,
});
