import type { ContractSettings } from '../../domain/chain-settings.ts';
import type { SubscriptionSummary } from '../../ports/chain.ts';
import type { CallReader } from './call-reader.ts';
import type { EntitlementReading, Question } from './contract-adapter.ts';
import { adapterOf } from './contract-adapters.ts';
import { nameOf } from './name-binding.ts';
import type { SaneNode } from './node-sanity.ts';
import { RpcFailure } from './rpc-failure.ts';

/** More ids than this are an error of the node or the configuration, not a list. */
const MAX_IDS = 100_000n;
const IDS_AT_ONCE = 2000n;

/**
 * Every id of one contract at the head of one node (D13). Ids that the contract answers for with "absent" or a revert
 * are left out; a contract that cannot be listed at all has no ids to show. Rejects with an `RpcFailure`.
 */
export const listSubscriptions = async (
  node: SaneNode,
  read: CallReader,
  chainId: number,
  contract: ContractSettings,
): Promise<readonly SubscriptionSummary[]> => {
  const { kind, address } = contract;
  const adapter = adapterOf(kind);
  const { count, idAt } = adapter.listing(address);
  const total = (await read(node.endpoint, node.head, [count])).get(count.key);
  if (!total?.ok) {
    if (kind !== 'subscriptions') return [];
    throw new RpcFailure(
      'garbage',
      `${address} does not say how many subscriptions it has: ${total?.why ?? 'nothing'}`,
    );
  }
  if (total.value > MAX_IDS)
    throw new RpcFailure('garbage', `${address} claims ${total.value} ids, which is not believed`);

  const found: SubscriptionSummary[] = [];
  for (let from = 0n; from < total.value; from += IDS_AT_ONCE) {
    const upTo = from + IDS_AT_ONCE < total.value ? from + IDS_AT_ONCE : total.value;
    const ids = await idsOf(node, read, idAt, from, upTo);
    found.push(
      ...(await summaries(
        node,
        read,
        chainId,
        contract,
        ids.map((id) => adapter.entitlement(address, id)),
      )),
    );
  }
  return found;
};

const idsOf = async (
  node: SaneNode,
  read: CallReader,
  idAt: (index: bigint) => bigint | Question<bigint>,
  from: bigint,
  upTo: bigint,
): Promise<readonly bigint[]> => {
  const places = Array.from({ length: Number(upTo - from) }, (_, index) => idAt(from + BigInt(index)));
  const questions = places.filter((place) => typeof place !== 'bigint');
  if (questions.length === 0) return places.filter((place) => typeof place === 'bigint');
  const answers = await read(node.endpoint, node.head, questions);
  return questions.flatMap(({ key }) => {
    const answer = answers.get(key);
    return answer?.ok ? answer.value : [];
  });
};

const summaries = async (
  node: SaneNode,
  read: CallReader,
  chainId: number,
  { address: contract, namePrefix }: ContractSettings,
  questions: readonly Question<EntitlementReading>[],
): Promise<readonly SubscriptionSummary[]> => {
  const answers = await read(node.endpoint, node.head, questions);
  return questions.flatMap(({ key }) => {
    const answer = answers.get(key);
    if (!answer?.ok) return [];
    const { id, owner, expiresAtUnix, cancelled } = answer.value;
    const ref = { chainId, contract, subscriptionId: id };
    return { ref, vmName: nameOf(namePrefix, id), owner, expiresAtUnix, cancelled };
  });
};
