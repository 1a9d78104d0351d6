import type { Invariant } from './sight.ts';

const ALONE: ReadonlySet<string> = new Set([
  'hypervisor.start',
  'hypervisor.undefine',
  'hypervisor.save',
  'quarantine.moveIn',
  'quarantine.moveOut',
  'quarantine.purge',
]);

/**
 * Nothing is done twice: no machine is moved by two hands at once (L2, D26), a disk is made once, and a guest that was
 * asked to shut down is not asked again at once (L4, L8).
 */
export const nothingTwice: Invariant = {
  name: 'nothing-twice',
  rules: 'L2, L4, L8, D26',
  watch: () => {
    const asked = new Map<string, number>();
    return ({ effects, machines, policy }) => {
      const nameOf = (uuid: string): string => machines.find((machine) => machine.uuid === uuid)?.name ?? uuid;
      const out = effects.flatMap((effect) => {
        const { what, args, by, startMs, failed } = effect;
        const uuid = String(args[0]);
        if (what === 'hypervisor.requestShutdown' && by === 'daemon' && !failed) {
          const last = asked.get(uuid);
          asked.set(uuid, startMs);
          if (last === undefined || startMs - last >= policy.shutdownRepeatMs / 2) return [];
          return [
            {
              invariant: 'nothing-twice',
              machine: nameOf(uuid),
              what: `asked to shut down twice within ${startMs - last} ms`,
            },
          ];
        }
        if (what === 'hypervisor.start') asked.delete(uuid);
        if (!ALONE.has(what)) return [];
        const other = effects.find(
          (each) =>
            each !== effect &&
            ALONE.has(each.what) &&
            each.args[0] === uuid &&
            each.by !== by &&
            each.startMs <= startMs &&
            (each.endMs ?? Number.POSITIVE_INFINITY) > startMs,
        );
        if (other === undefined) return [];
        const both = `${other.by} did ${other.what} and ${by} did ${what} at once`;
        return [{ invariant: 'nothing-twice', machine: nameOf(uuid), what: both }];
      });
      return out;
    };
  },
};
