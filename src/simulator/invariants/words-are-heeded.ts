import type { Invariant } from './sight.ts';

const HARMFUL: ReadonlySet<string> = new Set([
  'hypervisor.requestShutdown',
  'hypervisor.powerOff',
  'hypervisor.save',
  'hypervisor.undefine',
  'quarantine.moveIn',
  'quarantine.purge',
]);

/** A machine that an operator has protected is not harmed while the word stands (L11, D14). */
export const wordsAreHeeded: Invariant = {
  name: 'words-are-heeded',
  rules: 'L11, D14, D17',
  watch: () => {
    const since = new Map<string, number>();
    return ({ nowMs, machines, effects }) => {
      for (const { uuid, protected: kept } of machines) {
        if (!kept) since.delete(uuid);
        else if (!since.has(uuid)) since.set(uuid, nowMs);
      }
      return effects.flatMap(({ what, args, by, failed, startMs }) => {
        const machine = machines.find(({ uuid }) => uuid === args[0]);
        const heldMs = startMs - (since.get(machine?.uuid ?? '') ?? nowMs);
        // What was begun before the word came may still end, and the word has to be read first.
        if (!machine?.protected || heldMs < 240_000 || failed || !HARMFUL.has(what)) return [];
        if (by !== 'daemon' && by !== 'operator gc') return [];
        const { name } = machine;
        return [{ invariant: 'words-are-heeded', machine: name, what: `${what} of ${name}, which is protected` }];
      });
    };
  },
};
