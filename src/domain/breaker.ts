import { machinesIn } from './journal/machine-map.ts';
import type { HarmKind, JournalState } from './journal/memory.ts';
import type { BreakerLimit, Policy } from './policy.ts';

/** How many harmful decisions of a kind fit into one window for a fleet of this size (D28). */
export const allowance = (limit: BreakerLimit, fleet: number): number =>
  Math.max(limit.count, Math.ceil(limit.share * fleet));

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;

const wouldTrip = (journal: JournalState, kind: HarmKind, policy: Policy, nowUnixMs: number): string | undefined => {
  const limit = policy.breaker[kind];
  const recent = new Set(
    journal.harm
      .filter((entry) => entry.kind === kind && entry.atUnixMs > nowUnixMs - limit.windowMs)
      .map((entry) => entry.uuid),
  );
  // The fleet is counted only where its size can matter.
  if (recent.size < limit.count) return undefined;
  const fleet = machinesIn(journal.machines).filter((memory) => memory.phase !== 'gone').length;
  const allowed = allowance(limit, fleet);
  if (recent.size < allowed) return undefined;
  return `${recent.size} machines had a ${kind} within ${seconds(limit.windowMs)}, and ${allowed} are allowed; see what they share, then \`ack breaker:${kind}\``;
};

/** The blast-radius breaker as facts for one decision (L10): what it stops now, and what one more would trip. */
export const breakerFacts = (journal: JournalState, policy: Policy, nowUnixMs: number) => {
  const open: Partial<Record<HarmKind, string>> = {};
  const trips: Partial<Record<HarmKind, string>> = {};
  for (const kind of ['suspend', 'destroy'] as const) {
    const tripped = journal.breaker[kind];
    if (tripped) open[kind] = `the breaker is open: ${tripped.reason}`;
    const reason = tripped ? undefined : wouldTrip(journal, kind, policy, nowUnixMs);
    if (reason !== undefined) trips[kind] = reason;
  }
  return { breaker: open, breakerWouldTrip: trips };
};
