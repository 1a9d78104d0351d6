import { createSince, type Invariant, isOn, isPaid } from './sight.ts';

const MINUTE_MS = 60_000;

/** While nothing is wrong: a few looks at the chain, a guest that is let go down first, and a start. */
const calmLimitMs = (pollEveryMs: number, blockMs: number, patienceMs: number): number =>
  3 * pollEveryMs + 2 * blockMs + patienceMs + 2 * MINUTE_MS;

/**
 * A machine that is paid for on the canonical chain is not off for longer than the reaction takes: counted while the
 * daemon and one honest node are up, and neither an operator's word nor its owner's own stop holds it off (C5, L1, L2,
 * L12). In rough weather the sweep, the longest backoff and the longest pause of an endpoint come on top.
 */
export const paidRuns: Invariant = {
  name: 'paid-runs',
  rules: 'C5, C11, L1, L2, L8, L12',
  watch: () => {
    const owedCalm = createSince();
    const owed = createSince();
    const told = new Set<string>();
    return (sight) => {
      const { nowMs, trueUnix, policy, host, calmSinceMs, ableSinceMs, liar } = sight;
      const calm = calmLimitMs(host.pollEveryMs, host.blockMs, policy.shutdownPatienceMs);
      const rough = calm + 1.3 * host.sweepEveryMs + 2 * policy.backoffMaxMs + 10 * MINUTE_MS;
      return sight.machines.flatMap((machine) => {
        const { uuid, name, domain } = machine;
        const off = isPaid(machine, trueUnix) && domain !== undefined && !isOn(domain);
        const counts = off && !machine.excused && !machine.condemned;
        const calmMs = owedCalm(uuid, counts && calmSinceMs !== undefined && !machine.disturbed, nowMs);
        const roughMs = owed(uuid, counts && ableSinceMs !== undefined && !liar, nowMs);
        if (!counts) told.delete(uuid);
        const late = (calmMs ?? 0) > calm || (roughMs ?? 0) > rough;
        if (!late || told.has(uuid)) return [];
        told.add(uuid);
        const minutes = Math.round(Math.max(calmMs ?? 0, roughMs ?? 0) / MINUTE_MS);
        return [
          { invariant: 'paid-runs', machine: name, what: `${name} is paid for and has been off for ${minutes} min` },
        ];
      });
    };
  },
};
