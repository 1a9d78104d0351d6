import type { EntitlementView, FinalityLevel, WitnessRead } from './entitlement.ts';
import type { HarmKind, MachineMemory } from './journal/memory.ts';
import type { Observation } from './observation.ts';
import type { Policy } from './policy.ts';
import { type Expiry, expiryAt, graceEndUnixMs, viewOf } from './standing.ts';

/*
 * INVARIANTS
 * - A permit is the only way to a harmful step, and every unknown fact on the way to it is a refusal (L3).
 * - The checks only ever refuse; there is no combination of two refusals that permits.
 */

/** Why harm is refused now. The names go into log, journal and test titles. */
export type Refusal =
  | 'protected'
  | 'boot-gate'
  | 'clock-in-doubt'
  | 'facts-unknown'
  | 'paid'
  | 'not-over-yet'
  | 'waiting-for-finality'
  | 'facts-too-old'
  | 'clocks-apart'
  | 'waiting-for-witness'
  | 'breaker-open'
  | 'breaker-trips';

export type Permit =
  | { readonly granted: true; readonly level: FinalityLevel; readonly because: string }
  | {
      readonly granted: false;
      readonly refusal: Refusal;
      readonly because: string;
      readonly lookAgainAtUnixMs?: number;
    };

/** What kind of harm is asked for: a suspension once the expiry is over, a destruction once the grace is. */
export interface HarmRequest {
  readonly kind: HarmKind;
  /** A step of harm that has begun already does not count again for the breaker. */
  readonly begun: boolean;
}

const refuse = (refusal: Refusal, because: string, lookAgainAtUnixMs?: number): Permit =>
  lookAgainAtUnixMs === undefined
    ? { granted: false, refusal, because }
    : { granted: false, refusal, because, lookAgainAtUnixMs };

/** Levels from the newest to the one that the act needs: any of them that says paid forbids (L9). */
const levelsFor = (kind: HarmKind): readonly FinalityLevel[] =>
  kind === 'suspend' ? ['head', 'safe'] : ['head', 'safe', 'finalized'];

/** The moment that both clocks must have passed: expiry for a suspension, end of grace for a destruction. */
const dueUnixMs = (expiry: Expiry, kind: HarmKind, memory: MachineMemory | undefined, policy: Policy): number =>
  kind === 'suspend'
    ? expiry.expiresAtUnixMs
    : graceEndUnixMs(expiry.expiresAtUnixMs, memory?.suspendedAtUnixMs, policy);

const checkWords = (observation: Observation, kind: HarmKind): Permit | undefined => {
  const { memory, nowUnixMs, gateWaitsFor, clockDoubt, breaker } = observation;
  const protect = memory?.protect;
  if (protect && (protect.untilUnixMs === undefined || protect.untilUnixMs > nowUnixMs)) {
    return refuse('protected', `protected by ${protect.by}: ${protect.reason}`, protect.untilUnixMs);
  }
  if (gateWaitsFor.length > 0) return refuse('boot-gate', `start-up still waits for ${gateWaitsFor.join(', ')}`);
  if (clockDoubt) return refuse('clock-in-doubt', `the wall clock jumped by ${Math.round(clockDoubt.byMs / 1000)} s`);
  const open = breaker[kind];
  return open === undefined ? undefined : refuse('breaker-open', open);
};

/** `undefined` where this level is over by both clocks at its own block time (C9). */
const checkLevel = (
  observation: Observation,
  level: FinalityLevel,
  kind: HarmKind,
  policy: Policy,
): Permit | undefined => {
  const expiry = expiryAt(observation, level);
  if (!expiry.known) return refuse('facts-unknown', `unknown at ${level}: ${expiry.why}`);
  const { expiresAtUnixMs, blockUnixMs } = expiry.value;
  const { nowUnixMs } = observation;
  if (expiresAtUnixMs > Math.max(blockUnixMs, nowUnixMs)) {
    return refuse(
      'paid',
      `paid until ${iso(expiresAtUnixMs)} at ${level}`,
      paidLookAgain(observation, expiry.value, policy),
    );
  }
  const overAt = dueUnixMs(expiry.value, kind, observation.memory, policy) + policy.expiryMarginMs;
  if (nowUnixMs <= overAt)
    return refuse('not-over-yet', `not over before ${iso(overAt)} by the wall clock`, overAt + 1);
  if (blockUnixMs > overAt) return undefined;
  const lagMs = overAt - blockUnixMs + 1;
  return refuse(
    'waiting-for-finality',
    `the ${level} block's time is ${iso(blockUnixMs)}, it must pass ${iso(overAt)}`,
    nowUnixMs + lagMs,
  );
};

/**
 * Where only an older level still says paid (a cancellation that has not settled), it will say otherwise once its block
 * time has passed the newer expiry; else there is nothing to see before the expiry itself.
 */
const paidLookAgain = (observation: Observation, expiry: Expiry, policy: Policy): number => {
  const head = expiryAt(observation, 'head');
  const atHead = head.known ? head.value.expiresAtUnixMs : expiry.expiresAtUnixMs;
  if (atHead >= expiry.expiresAtUnixMs) return expiry.expiresAtUnixMs + policy.expiryMarginMs + 1;
  return observation.nowUnixMs + Math.max(1000, atHead + policy.expiryMarginMs - expiry.blockUnixMs);
};

const iso = (unixMs: number): string =>
  unixMs >= 8_640_000_000_000_000 ? 'the end of time' : new Date(unixMs).toISOString();

const checkFreshness = (view: EntitlementView, observation: Observation, policy: Policy): Permit | undefined => {
  const { nowUnixMs } = observation;
  if (nowUnixMs - view.readAtUnixMs > policy.freshForHarmMs || view.readAtUnixMs > nowUnixMs + policy.freshForHarmMs) {
    return refuse('facts-too-old', 'the chain was not read just now', nowUnixMs);
  }
  if (!view.head.known) return refuse('facts-unknown', view.head.why);
  const gapMs = Math.abs(nowUnixMs - Number(view.head.value.atBlock.timestampUnix) * 1000);
  if (gapMs <= policy.maxClockGapMs) return undefined;
  return refuse('clocks-apart', `wall clock and head's block time are ${Math.round(gapMs / 1000)} s apart`);
};

/** Does this read say what the finalized level says? */
export const agrees = (read: WitnessRead, view: EntitlementView): boolean =>
  view.finalized.known &&
  read.expiresAtUnix === view.finalized.value.expiresAtUnix &&
  read.cancelled === view.finalized.value.cancelled;

/**
 * A suspension is permitted on one endpoint's word where the others are silent, but not against another's: where several
 * are configured, the finalized level is known only while those who answer agree about it (C12).
 */
const checkDisagreement = (view: EntitlementView): Permit | undefined => {
  if (view.endpointsConfigured < 2) return undefined;
  if (!view.finalized.known) return refuse('facts-unknown', `unknown at finalized: ${view.finalized.why}`);
  const liar = view.witnesses.find((read) => !agrees(read, view));
  return liar && refuse('facts-unknown', `${liar.endpoint} says something else at the finalized block`);
};

/**
 * Destruction wants two who say the same (C5): two endpoints where two are configured, else two reads far enough apart,
 * the first of which is in the journal (D22).
 */
const checkWitnesses = (view: EntitlementView, observation: Observation, policy: Policy): Permit | undefined => {
  const { memory, nowUnixMs } = observation;
  const liar = view.witnesses.find((read) => !agrees(read, view));
  if (liar) return refuse('facts-unknown', `${liar.endpoint} says something else at the finalized block`);
  const endpoints = new Set(view.witnesses.map((read) => read.endpoint));
  if (endpoints.size >= 2) return undefined;
  if (view.endpointsConfigured >= 2)
    return refuse('waiting-for-witness', 'only one endpoint answers; destruction wants two');
  const first = memory?.witnesses.find((read) => agrees(read, view));
  const dueAt = (first?.readAtUnixMs ?? nowUnixMs) + policy.witnessGapMs;
  if (first && nowUnixMs >= dueAt) return undefined;
  return refuse('waiting-for-witness', `with one endpoint a second read is due at ${iso(dueAt)}`, dueAt);
};

/**
 * May this machine be harmed now? Everything must speak for it: the operator's words, the boot gate, both clocks, every
 * readable level of finality down to the one that the act needs, freshness, witnesses, and the breaker.
 */
export const permitHarm = (observation: Observation, request: HarmRequest, policy: Policy): Permit => {
  const { kind, begun } = request;
  const words = checkWords(observation, kind);
  if (words) return words;
  for (const level of levelsFor(kind)) {
    const refusal = checkLevel(observation, level, kind, policy);
    if (refusal) return refusal;
  }
  const view = viewOf(observation);
  if (view && observation.memory?.machineClass.kind === 'bound') {
    const refusal =
      checkFreshness(view, observation, policy) ??
      (kind === 'destroy' ? checkWitnesses(view, observation, policy) : checkDisagreement(view));
    if (refusal) return refusal;
  }
  const trips = observation.breakerWouldTrip[kind];
  if (!begun && trips !== undefined) return refuse('breaker-trips', trips);
  const level = kind === 'suspend' ? 'safe' : 'finalized';
  return { granted: true, level, because: `over at ${levelsFor(kind).join(', ')} and by the wall clock` };
};
