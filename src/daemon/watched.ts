import type { Fleet } from '../operations/fleet.ts';
import type { Reconcile } from '../operations/reconcile.ts';
import type { ChainFollower } from '../ports/chain.ts';
import type { EventSource } from '../ports/event-source.ts';
import type { Vitals } from './vitals.ts';

/*
 * What counts as moving. An endpoint or a libvirtd that is away, slow or refuses is not our standing still: another start
 * would not bring it back, and what does not answer is asked again.
 */

/** A look at the chain, with every endpoint at its slowest and the longest pause after it. */
const CHAIN_LIMIT_MS = 15 * 60_000;
/** A silence, a heartbeat at its slowest, and the longest pause before another watcher, a few times over. */
const LIBVIRT_LIMIT_MS = 5 * 60_000;
/** A survey at its slowest. */
const SURVEY_LIMIT_MS = 5 * 60_000;
/** Saving a big machine may take 15 minutes, and a look may have a few long steps. */
const LOOK_LIMIT_MS = 45 * 60_000;

/** The follower moves with each look at the chain that ends. */
export const watchedFollower = (vitals: Vitals, follower: ChainFollower, pollEveryMs: number): ChainFollower => {
  const moved = vitals.path(follower.id, CHAIN_LIMIT_MS + pollEveryMs);
  return { ...follower, poll: () => follower.poll().finally(moved) };
};

export interface LibvirtPath {
  readonly source: EventSource;
  readonly beat: () => Promise<boolean>;
}

/**
 * The path of libvirt's events moves with each event, and with a watcher that ends. A heartbeat that was written counts by
 * its echo alone, which is an event: a path that stays deaf stands still.
 */
export const watchedLibvirt = (vitals: Vitals, { source, beat }: LibvirtPath): LibvirtPath => {
  const moved = vitals.path('libvirt events', LIBVIRT_LIMIT_MS);
  return {
    source: {
      lines: ({ onEvent, onEnd }) =>
        source.lines({
          onEvent: (event) => {
            moved();
            onEvent(event);
          },
          onEnd: (why) => {
            moved();
            onEnd(why);
          },
        }),
    },
    beat: async () => {
      let written = false;
      try {
        written = await beat();
        return written;
      } finally {
        if (!written) moved();
      }
    },
  };
};

/** Decisions move while all machines are looked over as often as configured, and no single look hangs. */
export const watchedDecisions = (
  vitals: Vitals,
  { fleet, reconcile, sweepEveryMs }: { fleet: Fleet; reconcile: Reconcile; sweepEveryMs: number },
): { readonly fleet: Fleet; readonly reconcile: Reconcile } => {
  const moved = vitals.path('surveys', SURVEY_LIMIT_MS + 2 * sweepEveryMs);
  return {
    fleet: { ...fleet, survey: () => fleet.survey().finally(moved) },
    reconcile: (uuid, onRound) => vitals.within(`a look at ${uuid}`, LOOK_LIMIT_MS, () => reconcile(uuid, onRound)),
  };
};
