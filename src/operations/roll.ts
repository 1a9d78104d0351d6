import { subscriptionKey } from '../domain/identity.ts';
import { lookupsOf, machinesIn } from '../domain/journal/machine-map.ts';
import type { JournalState, MachineMemory } from '../domain/journal/memory.ts';

type Machines = JournalState['machines'];

/** The journal's machines by what else they are asked for; several may share a name, a subscription or an address. */
export interface Roll {
  named(name: string): readonly MachineMemory[];
  boundTo(subscription: string): readonly MachineMemory[];
  withAddress(address: string): readonly MachineMemory[];
}

/** Machines by their UUIDs, which stay right while the machines change in all else. */
interface Index {
  readonly names: ReadonlyMap<string, readonly string[]>;
  readonly subscriptions: ReadonlyMap<string, readonly string[]>;
  readonly addresses: ReadonlyMap<string, readonly string[]>;
}

const indexes = new WeakMap<object, Index>();

const add = (groups: Map<string, string[]>, key: string, uuid: string): void => {
  const found = groups.get(key);
  if (found) found.push(uuid);
  else groups.set(key, [uuid]);
};

const makeIndex = (machines: Machines): Index => {
  const [names, subscriptions, addresses] = [new Map(), new Map(), new Map()];
  for (const { uuid, name, machineClass, details } of machinesIn(machines)) {
    add(names, name, uuid);
    if (machineClass.kind === 'bound') add(subscriptions, subscriptionKey(machineClass.subscription), uuid);
    for (const address of [details.ipAddress, details.ipv6Address]) if (address !== '') add(addresses, address, uuid);
  }
  return { names, subscriptions, addresses };
};

/** Worked out once for as long as nobody's name, binding or address changes: a look at one machine costs no look at all. */
export const rollOf = (machines: Machines): Roll => {
  const key = lookupsOf(machines);
  const index = indexes.get(key) ?? makeIndex(machines);
  indexes.set(key, index);
  const found =
    (groups: Index['names']) =>
    (by: string): readonly MachineMemory[] =>
      (groups.get(by) ?? []).flatMap((uuid) => machines[uuid] ?? []);
  return {
    named: found(index.names),
    boundTo: found(index.subscriptions),
    withAddress: found(index.addresses),
  };
};

/** The living one of several, else the last that was known. */
export const livingOf = (memories: readonly MachineMemory[]): MachineMemory | undefined =>
  memories.find(({ phase }) => phase !== 'gone') ?? memories.at(-1);
