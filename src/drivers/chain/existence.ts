import type { ChainSettings } from '../../domain/chain-settings.ts';
import type { Entitlement } from '../../domain/entitlement.ts';
import { type Fact, known, unknown } from '../../domain/fact.ts';
import type { SubscriptionRef } from '../../domain/identity.ts';
import type { Absent } from '../../ports/chain.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CallReader } from './call-reader.ts';
import { adapterOf } from './contract-adapters.ts';
import { totalSupplyOf } from './erc721.ts';
import { RpcFailure } from './rpc-failure.ts';
import type { RpcPool } from './rpc-pool.ts';
import { blockRef } from './rpc-schema.ts';

export interface ExistenceDeps {
  readonly settings: ChainSettings;
  readonly pool: RpcPool;
  readonly read: CallReader;
  readonly clock: Clock;
}

/**
 * What a create asks of a chain, at the head of one node: is there such a subscription, how many tokens are there. That
 * a contract answers "none" is known here, apart from a node that does not answer (L3, D9).
 */
export const createExistence = ({ settings, pool, read, clock }: ExistenceDeps) => {
  const ask = async <T>(body: Parameters<typeof pool.use<Fact<T>>>[0]): Promise<Fact<T>> => {
    try {
      return await pool.use(body);
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      return unknown(error.message, clock.nowUnixMs());
    }
  };

  const subscription = async (ref: SubscriptionRef): Promise<Fact<Entitlement | Absent> | undefined> => {
    const contract = settings.contracts.find(({ address }) => address === ref.contract);
    if (!contract) return undefined;
    const question = adapterOf(contract.kind).entitlement(contract.address, ref.subscriptionId);
    return ask<Entitlement | Absent>(async ({ endpoint, head }) => {
      const answer = (await read(endpoint, head, [question])).get(question.key);
      if (answer?.ok) return known({ ...answer.value, atBlock: blockRef(head) });
      if (answer?.absent) return known({ absent: true, atBlock: blockRef(head) });
      return unknown(answer?.why ?? 'the node left the question out', clock.nowUnixMs());
    });
  };

  const credentialSupply = async (): Promise<Fact<bigint>> => {
    if (settings.credentialNft === undefined) return known(0n);
    const question = totalSupplyOf(settings.credentialNft);
    return ask(async ({ endpoint, head }) => {
      const answer = (await read(endpoint, head, [question])).get(question.key);
      return answer?.ok ? known(answer.value) : unknown(answer?.why ?? 'no answer', clock.nowUnixMs());
    });
  };

  return { subscription, credentialSupply };
};
