import type { ChainSettings } from '../domain/chain-settings.ts';
import type { ChainReader } from '../drivers/chain/chain.ts';
import { createFollower } from '../drivers/chain/follower.ts';
import { journalCursors } from '../operations/journal-cursors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Journal } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';
import type { FollowedChain } from './surroundings.ts';

export interface FollowersDeps {
  readonly settings: readonly ChainSettings[];
  readonly chain: Pick<ChainReader, 'pool'>;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
}

/** One follower for each configured chain, on the endpoints that its reads use; cursors are kept in the journal (C2). */
export const followersOf = ({ settings, chain, journal, clock, log }: FollowersDeps): readonly FollowedChain[] =>
  settings.map((one) => {
    const pool = chain.pool(one.chainId);
    if (pool === undefined) throw new Error(`chain ${one.chainId} has no pool`);
    const follower = createFollower({ settings: one, cursorStore: journalCursors(journal), clock, log, pool });
    return { follower, pollEveryMs: one.pollEveryMs };
  });
