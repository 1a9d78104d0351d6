import { createSince, type Invariant, isOn } from './sight.ts';

/**
 * A guest lets in whom the credential belongs to on the canonical chain: where it runs with its link up and its agent
 * answers, a former owner does not keep the right for longer than the change takes to settle (D25, C12).
 */
export const loginFollowsOwner: Invariant = {
  name: 'login-follows-owner',
  rules: 'D25, C5, C12',
  watch: () => {
    const wrong = createSince();
    const told = new Set<string>();
    return ({ nowMs, machines, calmSinceMs, host, policy, liar }) => {
      const limitMs =
        (host.safeBlocks + 3) * host.blockMs +
        3 * host.pollEveryMs +
        host.sweepEveryMs * 1.3 +
        2 * policy.backoffMaxMs +
        60_000;
      return machines.flatMap((machine) => {
        const { uuid, name, owner, domain } = machine;
        const former = owner !== undefined && domain?.lets !== undefined && domain.lets !== owner;
        const counts = former && isOn(domain) && domain.linkUp && domain.agentAnswers && domain.run === 'running';
        const well = calmSinceMs !== undefined && !liar && !machine.disturbed && !machine.excused && !machine.condemned;
        const ms = wrong(uuid, counts && well, nowMs);
        if (ms === undefined) told.delete(uuid);
        if ((ms ?? 0) <= limitMs || told.has(uuid)) return [];
        told.add(uuid);
        const what = `${name} has let in ${domain?.lets} for ${Math.round((ms ?? 0) / 60_000)} min; it belongs to ${owner}`;
        return [{ invariant: 'login-follows-owner', machine: name, what }];
      });
    };
  },
};
