import type { Address } from '../../domain/identity.ts';
import { dataOf, firstFailure, type Question, ZERO_ADDRESS } from './contract-adapter.ts';
import { decodeOwner, ownerOfCall, touchOfTransfer, transferTopics } from './erc721.ts';

/** The credential NFT: who owns a token now (D25). A revert or a zero owner is unknown, never "nobody". */
export const credentialAdapter = {
  topics: transferTopics,
  touch: touchOfTransfer,
  owner: (contract: Address, tokenId: bigint): Question<Address> => ({
    key: `${contract}:owner:${tokenId}`,
    calls: [ownerOfCall(contract, tokenId)],
    answer: (results) => {
      const failure = firstFailure(results, 1);
      if (failure) return failure;
      const owner = decodeOwner(dataOf(results, 0));
      return owner === ZERO_ADDRESS
        ? { ok: false, absent: true, why: `token ${tokenId} has no owner` }
        : { ok: true, value: owner };
    },
  }),
} as const;
