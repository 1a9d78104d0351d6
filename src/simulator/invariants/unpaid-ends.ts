import { createSince, type Invariant, isOn, isPaid } from './sight.ts';

/**
 * A machine whose time is over on the canonical chain does not run on once that can be known, while daemon, nodes and
 * host are well and no word protects it (C5, C9, C14, L12): finality, the guest's patience and the escalation are waited
 * for, and nothing else.
 */
export const unpaidEnds: Invariant = {
  name: 'unpaid-ends',
  rules: 'C5, C9, C14, L1, L2, L12',
  watch: () => {
    const running = createSince();
    const told = new Set<string>();
    return ({ nowMs, trueUnix, machines, calmSinceMs, policy, host, liar }) => {
      const limitMs =
        policy.expiryMarginMs +
        (host.safeBlocks + 3) * host.blockMs +
        3 * host.pollEveryMs +
        policy.shutdownPatienceMs +
        2 * policy.powerOffPatienceMs +
        2 * policy.backoffMaxMs +
        60_000;
      return machines.flatMap((machine) => {
        const { uuid, name, domain } = machine;
        const over = machine.expiresAtUnix !== undefined && !isPaid(machine, trueUnix);
        const counts =
          over && isOn(domain) && calmSinceMs !== undefined && !liar && !machine.disturbed && !machine.protected;
        const ms = running(uuid, counts && !machine.excused && !machine.condemned, nowMs);
        if (ms === undefined) told.delete(uuid);
        if ((ms ?? 0) <= limitMs || told.has(uuid)) return [];
        told.add(uuid);
        const what = `${name} runs ${Math.round((ms ?? 0) / 60_000)} min after its time was over`;
        return [{ invariant: 'unpaid-ends', machine: name, what }];
      });
    };
  },
};
