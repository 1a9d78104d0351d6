import { stateOf } from '../domain/machine-state.ts';
import type { Observation } from '../domain/observation.ts';
import type { Policy } from '../domain/policy.ts';
import { expiryAt, graceEndUnixMs, standingOf, viewOf } from '../domain/standing.ts';
import type { ReadDepth } from '../ports/chain.ts';

/**
 * How deep the chain must be read for the decision that is near: a paid machine needs the head alone; older levels and
 * witnesses are asked only once the wall clock has passed what they are asked about.
 */
export const depthNeeded = (observation: Observation, policy: Policy): ReadDepth => {
  const expiry = expiryAt(observation, 'head');
  if (!expiry.known || standingOf(expiry.value, observation.nowUnixMs, policy) === 'paid') return 'head';
  // Harm asks several where there are several (C12).
  const view = viewOf(observation);
  const deepest = (view?.endpointsConfigured ?? 1) > 1 ? 'with-witnesses' : 'all-levels';
  const state = stateOf(observation);
  if (state !== 'suspended' && state !== 'destroying' && state !== 'quarantined') return deepest;
  const graceEnd = graceEndUnixMs(expiry.value.expiresAtUnixMs, observation.memory?.suspendedAtUnixMs, policy);
  return observation.nowUnixMs > graceEnd ? 'with-witnesses' : 'all-levels';
};
