import { type Invariant, isPaid } from './sight.ts';

/**
 * A machine that is paid for on the canonical chain is never destroyed but by an explicit order: its disk stays in the
 * world, in its place or in quarantine, and it is never taken apart while it has been paid for for some minutes (C5, C11,
 * D14, D21).
 */
export const paidIsKept: Invariant = {
  name: 'paid-is-kept',
  rules: 'C5, C9, C11, L3, L9, D14',
  watch: () => {
    const hadFiles = new Set<string>();
    const paidSince = new Map<string, number>();
    return ({ nowMs, trueUnix, machines, effects, policy, host }) => {
      // What was read a moment ago may be acted on; a payment in between is met by quarantine.
      const knownMs = policy.freshForHarmMs + 4 * host.blockMs + 60_000;
      const out = machines.flatMap((machine) => {
        const { uuid, name } = machine;
        if (machine.condemned || machine.isNew) return [];
        const paid = isPaid(machine, trueUnix);
        if (!paid) paidSince.delete(uuid);
        else if (!paidSince.has(uuid)) paidSince.set(uuid, nowMs);
        const since = paidSince.get(uuid) ?? nowMs;
        const undone = effects.some(
          ({ what, args, failed, by, startMs }) =>
            (what === 'hypervisor.undefine' || what === 'quarantine.moveIn' || what === 'quarantine.purge') &&
            args[0] === uuid &&
            !failed &&
            startMs - since > knownMs &&
            (by === 'daemon' || by === 'operator gc'),
        );
        const lost = hadFiles.has(uuid) && machine.files === 0;
        if (machine.files > 0) hadFiles.add(uuid);
        if (paid && (undone || (lost && nowMs - since > knownMs))) {
          hadFiles.delete(uuid);
          const what = lost ? 'its files are gone' : 'it was taken apart';
          return [{ invariant: 'paid-is-kept', machine: name, what: `${name} is paid for, and ${what}` }];
        }
        if (lost) hadFiles.delete(uuid);
        return [];
      });
      return out;
    };
  },
};
