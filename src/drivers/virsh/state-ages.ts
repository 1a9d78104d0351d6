import type { RunReason, RunState } from '../../domain/domain-state.ts';
import type { Uuid } from '../../domain/identity.ts';
import type { Clock } from '../../ports/clock.ts';

/** Remembers since when each domain has been seen in its present state (L7). In memory: a new process begins anew. */
export interface StateAges {
  sinceUnixMs(uuid: Uuid, run: RunState, reason: RunReason): number;
  /** Something happened to it, seen or not: the next look counts as the first. */
  forget(uuid: Uuid): void;
  /** Drops all but these. */
  keepOnly(uuids: ReadonlySet<Uuid>): void;
}

export const createStateAges = (clock: Pick<Clock, 'nowUnixMs'>): StateAges => {
  const seen = new Map<Uuid, { readonly state: string; readonly sinceUnixMs: number }>();
  return {
    sinceUnixMs: (uuid, run, reason) => {
      const state = `${run}/${reason}`;
      const before = seen.get(uuid);
      const nowUnixMs = clock.nowUnixMs();
      // Nothing began in the future: the clock was set back, and a stop would not be believed until it is there again.
      if (before?.state === state && before.sinceUnixMs <= nowUnixMs) return before.sinceUnixMs;
      seen.set(uuid, { state, sinceUnixMs: nowUnixMs });
      return nowUnixMs;
    },
    forget: (uuid) => void seen.delete(uuid),
    keepOnly: (uuids) => {
      for (const uuid of seen.keys()) if (!uuids.has(uuid)) seen.delete(uuid);
    },
  };
};
