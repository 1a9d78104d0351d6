import type { ChainSettings } from '../../domain/chain-settings.ts';
import type { Touched } from '../../domain/cursor/touched-blocks.ts';
import type { Address } from '../../domain/identity.ts';
import type { ChainHint } from '../../ports/chain.ts';
import type { Touch } from './contract-adapter.ts';
import { adapterOf } from './contract-adapters.ts';
import { credentialAdapter } from './credential-adapter.ts';
import { RpcFailure } from './rpc-failure.ts';
import type { RawLog } from './rpc-schema.ts';

/** What is to be looked at because of some logs. */
export type LogHint = Extract<ChainHint, { kind: 'subscription' | 'token' }>;

interface Source {
  readonly topics: readonly `0x${string}`[];
  readonly touch: (log: RawLog) => Touch;
  readonly hint: (touch: Touch, block: bigint) => LogHint;
}

/** Which logs concern us, and what each one hints at. One address may have two roles (subscription and credential). */
export const createLogDecoder = ({ chainId, contracts, credentialNft }: ChainSettings) => {
  const sources = new Map<Address, Source[]>();
  const add = (address: Address, source: Source): void => {
    sources.set(address, [...(sources.get(address) ?? []), source]);
  };
  for (const { kind, address } of contracts) {
    const { topics, touch } = adapterOf(kind);
    const hint: Source['hint'] = ({ id, what }, block) => {
      return { kind: 'subscription', ref: { chainId, contract: address, subscriptionId: id }, what, block };
    };
    add(address, { topics, touch, hint });
  }
  if (credentialNft) {
    const hint: Source['hint'] = ({ id, what }, block) => ({ kind: 'token', tokenId: id, what, block });
    add(credentialNft, { topics: credentialAdapter.topics, touch: credentialAdapter.touch, hint });
  }

  return {
    addresses: [...sources.keys()],
    topics: [...new Set([...sources.values()].flatMap((list) => list.flatMap(({ topics }) => topics)))],
    /** Hints of one log; none when it is not ours. Rejects a log of ours that does not decode, as `undecodable` (C3). */
    hints: (log: RawLog): readonly LogHint[] => {
      const [topic] = log.topics;
      const concerned = (sources.get(log.address) ?? []).filter(({ topics }) => topic && topics.includes(topic));
      return concerned.map(({ touch, hint }) => hint(touchOrFail(touch, log), log.blockNumber));
    },
  };
};

const touchOrFail = (touch: Source['touch'], log: RawLog): Touch => {
  try {
    return touch(log);
  } catch {
    const where = `log ${log.logIndex} of ${log.address} in block ${log.blockNumber} (${log.blockHash})`;
    throw new RpcFailure('undecodable', `${where} is not what the contract's interface says`, {
      hint: "check the contract's `kind` and address in the configuration, and the node",
    });
  }
};

/** The ids that some hints name. */
export const touchedBy = (hints: readonly LogHint[]): Touched => ({
  refs: hints.flatMap((hint) => (hint.kind === 'subscription' ? hint.ref : [])),
  tokens: hints.flatMap((hint) => (hint.kind === 'token' ? hint.tokenId : [])),
});
