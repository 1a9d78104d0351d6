import type { DomainState } from './domain-state.ts';
import type { Suspending } from './journal/memory.ts';
import type { Step } from './plan.ts';
import type { Policy } from './policy.ts';

/** The next move of a suspension under way, or how long to wait for the last one to show. */
export type Move =
  | { readonly step: Step; readonly because: string }
  | { readonly waitUntilUnixMs: number; readonly because: string };

/**
 * The power button first, then in turn with the agent: an agent may say yes and do nothing, and keeps libvirt waiting
 * meanwhile, while the button is pressed in a moment and cannot hang.
 */
const ask = (domain: DomainState, requests: number): Move => {
  const mode = requests % 2 === 1 && domain.agentConnected ? 'agent' : 'acpi';
  return {
    step: { do: 'request-shutdown', mode },
    because: requests === 0 ? 'first request' : `request ${requests + 1}`,
  };
};

/**
 * A save that ran out of its time goes on in libvirt, and a paused guest is part of it: its power is not taken while it may
 * still succeed. One that was given up can leave the guest paused; it is let go on, so that it can hear the next request.
 */
const afterSave = (domain: DomainState, policy: Policy, nowUnixMs: number): Move | undefined => {
  if (domain.run !== 'paused' || (domain.reason !== 'saving' && domain.reason !== 'save-ended')) return undefined;
  const patienceEnds = domain.sinceUnixMs + policy.shutdownPatienceMs;
  if (nowUnixMs >= patienceEnds) return undefined;
  return domain.reason === 'saving'
    ? { waitUntilUnixMs: Math.min(nowUnixMs + policy.shutdownRepeatMs, patienceEnds), because: 'libvirt is saving it' }
    : { step: { do: 'resume' }, because: 'the save failed and left it paused' };
};

/**
 * Suspension escalates (libvirt's shutdown is only a request): ask, ask again, take the power gracefully, take it by
 * force. Pure: it looks at what the journal says was done and when, so a daemon that was killed half-way goes on where it
 * was. A paused guest can neither hear the agent nor ACPI.
 */
export const nextMove = (
  domain: DomainState,
  suspending: Suspending | undefined,
  policy: Policy,
  nowUnixMs: number,
): Move => {
  const saved = afterSave(domain, policy, nowUnixMs);
  if (saved) return saved;
  if (suspending === undefined || suspending.requests + suspending.powerOffs === 0) {
    if (policy.suspendMode === 'save' && !suspending?.saveFailed)
      return { step: { do: 'save' }, because: 'suspend_mode is save' };
    if (domain.run === 'paused')
      return { step: { do: 'power-off', how: 'graceful' }, because: 'a paused guest cannot hear a request' };
    return ask(domain, 0);
  }
  if (suspending.powerOffs > 0) return afterPowerOff(suspending, policy, nowUnixMs);
  const patienceEnds = suspending.sinceUnixMs + policy.shutdownPatienceMs;
  if (nowUnixMs >= patienceEnds) {
    return { step: { do: 'power-off', how: 'graceful' }, because: `no answer to ${suspending.requests} requests` };
  }
  const repeatAt = suspending.lastRequestUnixMs + policy.shutdownRepeatMs;
  if (nowUnixMs < repeatAt) {
    return { waitUntilUnixMs: Math.min(repeatAt, patienceEnds), because: 'the guest was asked to shut down' };
  }
  return ask(domain, suspending.requests);
};

/** By force after the patience that a graceful end has; a libvirt that refuses that is asked ever more rarely (L8). */
const afterPowerOff = (suspending: Suspending, policy: Policy, nowUnixMs: number): Move => {
  const doubled = policy.powerOffPatienceMs * 2 ** Math.min(suspending.powerOffs - 1, 30);
  const forceAt =
    suspending.lastPowerOffUnixMs + Math.max(policy.powerOffPatienceMs, Math.min(doubled, policy.backoffMaxMs));
  if (nowUnixMs < forceAt) return { waitUntilUnixMs: forceAt, because: 'its power was taken' };
  return { step: { do: 'power-off', how: 'forced' }, because: 'qemu did not end gracefully' };
};
