import type { DomainState } from './domain-state.ts';
import type { Fact } from './fact.ts';
import type { MachineMemory } from './journal/memory.ts';
import type { MachineState } from './machine-state.ts';
import type { Observation } from './observation.ts';
import { agrees, type HarmRequest, type Permit, permitHarm } from './permit.ts';
import type { Chore, Report, Step } from './plan.ts';
import type { Policy } from './policy.ts';
import { expiryAt, type Standing, viewOf } from './standing.ts';

/** An observation with what every row asks of it worked out once. */
export interface Situation {
  readonly observation: Observation;
  readonly policy: Policy;
  readonly state: MachineState;
  readonly standing: Fact<Standing>;
  readonly memory: MachineMemory;
  /** Present unless the state says otherwise. */
  readonly domain: DomainState | undefined;
}

/** What a row of the table says is to be done. */
export interface Outcome {
  readonly because: string;
  readonly step?: Step;
  readonly chores?: readonly Chore[];
  readonly report?: Report;
  readonly lookAgainAtUnixMs?: number;
  /** Why the harm that the row is about was refused now. */
  readonly refusal?: string;
}

/** One row: in this state, when this holds, do that. First match in the state wins. `to` is where it leads, for the diagram. */
export interface Row {
  readonly state: MachineState;
  readonly row: string;
  readonly to: MachineState;
  readonly when: (situation: Situation) => boolean;
  readonly outcome: (situation: Situation) => Outcome;
}

export const isPaid = ({ standing }: Situation): boolean => standing.known && standing.value === 'paid';
export const isOver = ({ standing }: Situation): boolean => standing.known && standing.value === 'over';

/** When the expiry that is known now will be past by the wall clock and margin; nothing where it is not known. */
export const lookAtExpiry = ({ observation, policy }: Situation): number | undefined => {
  const expiry = expiryAt(observation, 'head');
  if (!expiry.known) return undefined;
  const dueUnixMs = expiry.value.expiresAtUnixMs + policy.expiryMarginMs + 1;
  return dueUnixMs > observation.nowUnixMs ? dueUnixMs : observation.nowUnixMs + 1000;
};

/** A wait with its next look, without an `undefined` key where there is none. */
export const wait = (because: string, lookAgainAtUnixMs?: number): Outcome =>
  lookAgainAtUnixMs === undefined ? { because } : { because, lookAgainAtUnixMs };

/** Noted is what the permit will count from; it says itself what that is, or the two could wait for each other. */
const firstWitness = ({ observation, memory }: Situation): readonly Chore[] => {
  const view = viewOf(observation);
  const read = view?.witnesses[0];
  if (view === undefined || view.endpointsConfigured > 1 || read === undefined) return [];
  return memory.witnesses.some((noted) => agrees(noted, view)) ? [] : [{ chore: 'note-witness', read }];
};

const refused = (situation: Situation, request: HarmRequest, permit: Permit & { granted: false }): Outcome => {
  const outcome = { ...wait(permit.because, permit.lookAgainAtUnixMs), refusal: permit.refusal };
  if (permit.refusal === 'breaker-trips') {
    const report: Report = { level: 'error', what: `breaker: ${permit.because}` };
    return { ...outcome, report, chores: [{ chore: 'trip-breaker', harm: request.kind, reason: permit.because }] };
  }
  return permit.refusal === 'waiting-for-witness' ? { ...outcome, chores: firstWitness(situation) } : outcome;
};

/** The one way from a row to harm: with a permit do it, without one wait and say why. */
export const withPermit = (situation: Situation, request: HarmRequest, go: (because: string) => Outcome): Outcome => {
  const permit = permitHarm(situation.observation, request, situation.policy);
  return permit.granted ? go(permit.because) : refused(situation, request, permit);
};
