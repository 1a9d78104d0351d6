import { subscriptionKey } from '../domain/identity.ts';
import type { JournalState, MachineMemory } from '../domain/journal/memory.ts';

type Machines = JournalState['machines'];

/** The journal's machines by what else they are asked for; several may share a name, a subscription or an address. */
export interface Roll {
  named(name: string): readonly MachineMemory[];
  boundTo(subscription: string): readonly MachineMemory[];
  withAddress(address: string): readonly MachineMemory[];
}

const rolls = new WeakMap<Machines, Roll>();

const group = () => {
  const groups = new Map<string, MachineMemory[]>();
  return {
    add: (key: string, memory: MachineMemory): void => {
      const found = groups.get(key);
      if (found) found.push(memory);
      else groups.set(key, [memory]);
    },
    of: (key: string): readonly MachineMemory[] => groups.get(key) ?? [],
  };
};

const call = (machines: Machines): Roll => {
  const [names, subscriptions, addresses] = [group(), group(), group()];
  for (const memory of Object.values(machines)) {
    const { name, machineClass, details } = memory;
    names.add(name, memory);
    if (machineClass.kind === 'bound') subscriptions.add(subscriptionKey(machineClass.subscription), memory);
    for (const address of [details.ipAddress, details.ipv6Address]) if (address !== '') addresses.add(address, memory);
  }
  return { named: names.of, boundTo: subscriptions.of, withAddress: addresses.of };
};

/** Worked out once for each state of the journal, so that a look at one machine does not cost a look at all of them. */
export const rollOf = (machines: Machines): Roll => {
  const before = rolls.get(machines);
  if (before) return before;
  const roll = call(machines);
  rolls.set(machines, roll);
  return roll;
};

/** The living one of several, else the last that was known. */
export const livingOf = (memories: readonly MachineMemory[]): MachineMemory | undefined =>
  memories.find(({ phase }) => phase !== 'gone') ?? memories.at(-1);
