import type { Wake } from '../../streams/wake.ts';
import { subscriptionKey } from '../domain/identity.ts';
import type { Fleet } from '../operations/fleet.ts';
import type { ChainHint } from '../ports/chain.ts';
import type { Journal } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';

export interface RouteDeps {
  readonly fleet: Fleet;
  readonly journal: Journal;
  readonly log: Log;
}

const ALL: Wake['target'] = { kind: 'all' };

const machinesWithToken = (journal: Journal, tokenId: bigint): readonly Wake['target'][] =>
  Object.values(journal.state().machines)
    .filter(({ details }) => details.nftTokenId === tokenId)
    .map(({ uuid }) => ({ kind: 'machine', uuid }));

/** Which machines a hint from the chain is about; told in the log, because this is what an operator wants to follow. */
export const routeChainHint =
  ({ fleet, journal, log }: RouteDeps) =>
  (hint: ChainHint): readonly Wake['target'][] => {
    switch (hint.kind) {
      case 'subscription': {
        const uuid = fleet.boundTo(subscriptionKey(hint.ref));
        log.info(
          {
            what: hint.what,
            subscriptionId: hint.ref.subscriptionId,
            block: hint.block,
            vm: uuid && fleet.nameOf(uuid),
            uuid,
          },
          'chain event',
        );
        return uuid === undefined ? [] : [{ kind: 'machine', uuid }];
      }
      case 'token':
        log.info({ what: hint.what, tokenId: hint.tokenId, block: hint.block }, 'chain event');
        return machinesWithToken(journal, hint.tokenId);
      case 'reorg':
        log.warn({ depth: hint.depth, block: hint.from, suspects: hint.suspects.length }, 'chain reorganised');
        return [ALL];
      case 'unknown':
        // The follower has told it, with its chain.
        return [];
      case 'known-again':
        return [ALL];
      case 'advanced':
        log.debug({ head: hint.head, safe: hint.safe, finalized: hint.finalized }, 'chain advanced');
        return [];
    }
  };
