import type { Invariant } from './sight.ts';

const SUSPENDS: ReadonlySet<string> = new Set(['hypervisor.requestShutdown', 'hypervisor.powerOff', 'hypervisor.save']);
const DESTROYS: ReadonlySet<string> = new Set(['hypervisor.undefine', 'quarantine.moveIn', 'quarantine.purge']);

/**
 * While no node has answered for as long as facts are fresh, no bound machine is harmed; while fewer than two have, where
 * several are configured, none is destroyed (L3, C5, C7, C12).
 */
export const unknownHarmsNobody: Invariant = {
  name: 'unknown-harms-nobody',
  rules: 'L3, C5, C7, C12',
  watch:
    () =>
    ({ effects, machines, darkSinceMs, duskSinceMs, policy }) => {
      // Under the lock a step may still be taken on what was read just before.
      const freshMs = policy.freshForHarmMs + 60_000;
      if (darkSinceMs === undefined && duskSinceMs === undefined) return [];
      return effects.flatMap(({ what, args, by, failed, startMs }) => {
        // What counts is when it was done, not when it was looked at.
        const dark = darkSinceMs !== undefined && startMs - darkSinceMs > freshMs;
        const dusk = duskSinceMs !== undefined && startMs - duskSinceMs > freshMs;
        const machine = machines.find(({ uuid }) => uuid === args[0]);
        if (machine === undefined || machine.condemned || machine.isNew || failed) return [];
        if (by !== 'daemon' && by !== 'operator gc') return [];
        const harms = (dark && SUSPENDS.has(what)) || ((dark || dusk) && DESTROYS.has(what));
        if (!harms) return [];
        const { name } = machine;
        const how = dark ? 'no node answered' : 'only one node answered';
        return [{ invariant: 'unknown-harms-nobody', machine: name, what: `${what} of ${name} while ${how}` }];
      });
    },
};
