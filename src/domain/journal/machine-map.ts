import type { JournalState, MachineMemory } from './memory.ts';

type Machines = JournalState['machines'];

/*
 * INVARIANTS
 * - To everybody else a map of machines is a plain record that never changes; a fold makes a new one.
 * - Two of them share all but the chunk in which they differ, so that a fold costs the same at ten machines and at ten
 *   thousand. A machine keeps its place for ever; places are given in the order in which machines were first known.
 */

interface Inside {
  readonly chunks: readonly (readonly MachineMemory[])[];
  readonly size: number;
  /**
   * Where each machine is; shared by all maps of one history, so an entry counts only if the machine is really there. A
   * second history that branches off (an append that failed) takes a copy.
   */
  readonly places: Map<string, number>;
  /** The same object for as long as nothing has changed by which machines are looked up. */
  readonly lookups: object;
}

const CHUNK = 64;
const insides = new WeakMap<Machines, Inside>();

const at = ({ chunks, size, places }: Inside, uuid: string): MachineMemory | undefined => {
  const place = places.get(uuid);
  if (place === undefined || place >= size) return undefined;
  const memory = chunks[Math.floor(place / CHUNK)]?.[place % CHUNK];
  return memory?.uuid === uuid ? memory : undefined;
};

const frozen = (): never => {
  throw new TypeError('the journal’s machines change by events alone');
};

/** What looks like a record from outside. Names that every object has (`constructor`) mean what they mean there. */
const asRecord = (inside: Inside): Machines => {
  const machines: Machines = new Proxy<Machines>(
    {},
    {
      get: (target, key) => (typeof key === 'string' ? at(inside, key) : undefined) ?? Reflect.get(target, key),
      has: (target, key) => (typeof key === 'string' && at(inside, key) !== undefined) || Reflect.has(target, key),
      ownKeys: () => inside.chunks.flatMap((chunk) => chunk.map(({ uuid }) => uuid)),
      getOwnPropertyDescriptor: (_, key) => {
        const value = typeof key === 'string' ? at(inside, key) : undefined;
        return value && { value, enumerable: true, configurable: true, writable: true };
      },
      set: frozen,
      defineProperty: frozen,
      deleteProperty: frozen,
    },
  );
  insides.set(machines, inside);
  return machines;
};

const fromRecord = (machines: Machines): Inside => {
  const all = Object.entries(machines).map(([uuid, memory]) => (memory.uuid === uuid ? memory : { ...memory, uuid }));
  const chunks = Array.from({ length: Math.ceil(all.length / CHUNK) }, (_, n) => all.slice(n * CHUNK, (n + 1) * CHUNK));
  const places = new Map(all.map(({ uuid }, place) => [uuid, place]));
  return { chunks, size: all.length, places, lookups: machines };
};

const insideOf = (machines: Machines): Inside => insides.get(machines) ?? fromRecord(machines);

const sameLookups = (before: MachineMemory, after: MachineMemory): boolean =>
  before.name === after.name &&
  before.machineClass === after.machineClass &&
  before.details.ipAddress === after.details.ipAddress &&
  before.details.ipv6Address === after.details.ipv6Address;

const replaced = <T>(list: readonly T[], index: number, value: T): readonly T[] => {
  const copy = list.slice();
  copy[index] = value;
  return copy;
};

/** The same machines with this one new, or in place of what was known of it. */
export const withMachine = (machines: Machines, memory: MachineMemory): Machines => {
  const inside = insideOf(machines);
  const before = at(inside, memory.uuid);
  const branched = before === undefined && inside.places.size !== inside.size;
  const places = branched ? new Map([...inside.places].filter(([uuid]) => at(inside, uuid))) : inside.places;
  const place = before === undefined ? inside.size : (places.get(memory.uuid) ?? 0);
  if (before === undefined) places.set(memory.uuid, place);
  const index = Math.floor(place / CHUNK);
  const chunks = replaced(inside.chunks, index, replaced(inside.chunks[index] ?? [], place % CHUNK, memory));
  const lookups = before !== undefined && sameLookups(before, memory) ? inside.lookups : {};
  return asRecord({ chunks, size: Math.max(inside.size, place + 1), places, lookups });
};

/** The same machines but for one: rare, so the map is made anew. */
export const withoutMachine = (machines: Machines, uuid: string): Machines => {
  const left = fromRecord(
    Object.fromEntries(machinesIn(machines).flatMap((each) => (each.uuid === uuid ? [] : [[each.uuid, each]]))),
  );
  return asRecord({ ...left, lookups: {} });
};

/** All machines in the order in which they were first known; quicker than `Object.values`. */
export const machinesIn = (machines: Machines): readonly MachineMemory[] => {
  const inside = insides.get(machines);
  return inside ? inside.chunks.flat() : Object.values(machines);
};

/** What to keep an index by: the same for two maps that have the same machines by name, class and address. */
export const lookupsOf = (machines: Machines): object => insides.get(machines)?.lookups ?? machines;
