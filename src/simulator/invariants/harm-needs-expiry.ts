import { type Invariant, isPaid } from './sight.ts';

const HARMFUL: ReadonlySet<string> = new Set(['hypervisor.requestShutdown', 'hypervisor.powerOff', 'hypervisor.save']);

/**
 * Nobody but people asks a machine to stop that has been paid for, on the canonical chain, since before the facts were
 * read (C4, C5, C9, L9). A node that lies while no other answers may deceive for a suspension (C12), and is not counted.
 */
export const harmNeedsExpiry: Invariant = {
  name: 'harm-needs-expiry',
  rules: 'C4, C5, C9, L5, L9',
  watch: () => {
    const paidSince = new Map<string, number>();
    return ({ nowMs, trueUnix, machines, effects, policy, host, liar, duskSinceMs }) => {
      const knownMs = policy.freshForHarmMs + 4 * host.blockMs + 60_000;
      for (const machine of machines) {
        if (!isPaid(machine, trueUnix)) paidSince.delete(machine.uuid);
        else if (!paidSince.has(machine.uuid)) paidSince.set(machine.uuid, nowMs);
      }
      const mayBeDeceived = liar && duskSinceMs !== undefined;
      return effects.flatMap(({ what, args, by, failed, startMs }) => {
        const uuid = String(args[0]);
        const machine = machines.find((each) => each.uuid === uuid);
        const harmful = HARMFUL.has(what) && !failed && (by === 'daemon' || by === 'operator gc');
        if (!harmful || machine === undefined || machine.condemned || machine.isNew || mayBeDeceived) return [];
        const since = paidSince.get(uuid);
        if (since === undefined || startMs - since <= knownMs) return [];
        const minutes = Math.round((startMs - since) / 60_000);
        const { name } = machine;
        return [
          { invariant: 'harm-needs-expiry', machine: name, what: `${what} of ${name}, paid for since ${minutes} min` },
        ];
      });
    };
  },
};
