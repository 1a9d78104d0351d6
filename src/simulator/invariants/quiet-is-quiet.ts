import type { Invariant } from './sight.ts';

/** Once everything has settled, more looks find nothing to do (L1). A heartbeat is no deed. */
export const quietIsQuiet: Invariant = {
  name: 'quiet-is-quiet',
  rules: 'L1, L8, L12',
  watch:
    () =>
    ({ atRest, effects, machines }) => {
      if (!atRest) return [];
      const nameOf = (uuid: unknown): string => machines.find((machine) => machine.uuid === uuid)?.name ?? String(uuid);
      return effects.flatMap(({ what, args, by }) => {
        const idle = what.startsWith('disk.') || what.startsWith('hostRoutes.') || what === 'hypervisor.writeMetadata';
        if (idle || by !== 'daemon') return [];
        return [
          { invariant: 'quiet-is-quiet', machine: nameOf(args[0]), what: `${what} of ${nameOf(args[0])} at rest` },
        ];
      });
    },
};
