import { type Invariant, isOn } from './sight.ts';

/**
 * Whoever is suspended has the whole grace before the machine is taken apart, counted from expiry or from when it was
 * really off, whichever was later: neither our downtime nor a clock that jumps shortens it (C9, C10).
 */
export const graceIsKept: Invariant = {
  name: 'grace-is-kept',
  rules: 'C9, C10, C14, D21',
  watch: () => {
    const offSince = new Map<string, number>();
    return ({ nowMs, trueUnix, machines, effects, policy }) => {
      const out = effects.flatMap(({ what, args, by, failed }) => {
        const machine = machines.find(({ uuid }) => uuid === args[0]);
        if (what !== 'quarantine.moveIn' || failed || machine === undefined || machine.condemned) return [];
        if (by !== 'daemon' && by !== 'operator gc') return [];
        const sinceOffMs = nowMs - (offSince.get(machine.uuid) ?? nowMs);
        const sinceExpiryMs = (trueUnix - Number(machine.expiresAtUnix ?? 0n)) * 1000;
        const had = Math.min(sinceOffMs, sinceExpiryMs);
        // Two looks of this watch may lie apart; a grace is never shorter than that by our doing.
        if (had >= policy.graceMs - 120_000) return [];
        const { name } = machine;
        const what2 = `${name} was taken apart after ${Math.round(had / 60_000)} of ${policy.graceMs / 60_000} min of grace`;
        return [{ invariant: 'grace-is-kept', machine: name, what: what2 }];
      });
      for (const { uuid, domain } of machines) {
        if (isOn(domain)) offSince.delete(uuid);
        else if (!offSince.has(uuid)) offSince.set(uuid, nowMs);
      }
      return out;
    };
  },
};
