import type { EntitlementView } from './entitlement.ts';
import { type Fact, known, unknown } from './fact.ts';
import type { MachineMemory } from './journal/memory.ts';
import type { Observation } from './observation.ts';
import type { Policy } from './policy.ts';

/** Unix milliseconds of unix seconds; expiries fit a double for some 285,000 years, and beyond that they are capped. */
export const unixMsOf = (unixSeconds: bigint): number =>
  unixSeconds > 8_640_000_000_000n ? Number.MAX_SAFE_INTEGER : Number(unixSeconds) * 1000;

/**
 * Is the machine paid for now, as far as kindness is concerned (C5: at the head)? `paid` only when neither clock is
 * past the expiry, `over` only when both are past it and the margin (C9); between the two it is `ending`.
 */
export type Standing = 'paid' | 'ending' | 'over';

/** An expiry and the block time it was read at; where no chain is involved the wall clock stands for both. */
export interface Expiry {
  readonly expiresAtUnixMs: number;
  readonly blockUnixMs: number;
}

/** An operator's grant counts where it is later (D15). */
const withGrant = (expiresAtUnix: bigint, { grantUntilUnix = 0n }: MachineMemory): number =>
  unixMsOf(grantUntilUnix > expiresAtUnix ? grantUntilUnix : expiresAtUnix);

const recordExpiry = ({ record, nowUnixMs }: Observation, memory: MachineMemory): Fact<Expiry> => {
  if (!record.known) return record;
  const until = record.value?.expiresAtUnix ?? memory.lastExpiresAtUnix;
  if (until === undefined) return unknown('the record has no expires_at and the journal remembers none', nowUnixMs);
  return known({ expiresAtUnixMs: withGrant(until, memory), blockUnixMs: nowUnixMs });
};

/**
 * The expiry that counts for this machine at one level of finality (D11): its subscription's for a bound machine, its
 * record's otherwise. A bound machine whose chain is not configured any more is unknown, never over (D12).
 */
export const expiryAt = (observation: Observation, level: 'head' | 'safe' | 'finalized'): Fact<Expiry> => {
  const { memory, chain, nowUnixMs } = observation;
  if (memory === undefined) return unknown('the machine is not known yet', nowUnixMs);
  if (memory.machineClass.kind === 'record-only') return recordExpiry(observation, memory);
  if (chain.kind !== 'view')
    return unknown('the machine is bound to a subscription, and its chain is not configured', nowUnixMs);
  const fact = chain.view[level];
  if (!fact.known) return fact;
  const { expiresAtUnix, atBlock } = fact.value;
  return known({ expiresAtUnixMs: withGrant(expiresAtUnix, memory), blockUnixMs: unixMsOf(atBlock.timestampUnix) });
};

export const standingOf = (expiry: Expiry, nowUnixMs: number, policy: Policy): Standing => {
  const later = Math.max(expiry.blockUnixMs, nowUnixMs);
  const earlier = Math.min(expiry.blockUnixMs, nowUnixMs);
  if (expiry.expiresAtUnixMs > later) return 'paid';
  return earlier > expiry.expiresAtUnixMs + policy.expiryMarginMs ? 'over' : 'ending';
};

/** The standing at the head, which is where kindness looks. */
export const standingNow = (observation: Observation, policy: Policy): Fact<Standing> => {
  const expiry = expiryAt(observation, 'head');
  return expiry.known ? known(standingOf(expiry.value, observation.nowUnixMs, policy)) : expiry;
};

/** When grace ends: counted from expiry or from the real suspension, whichever came later (C10). */
export const graceEndUnixMs = (
  expiresAtUnixMs: number,
  suspendedAtUnixMs: number | undefined,
  policy: Policy,
): number => Math.max(expiresAtUnixMs, suspendedAtUnixMs ?? 0) + policy.graceMs;

export const viewOf = (observation: Observation): EntitlementView | undefined =>
  observation.chain.kind === 'view' ? observation.chain.view : undefined;
