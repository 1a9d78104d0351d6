import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalEvent } from '../../../src/domain/journal/event.ts';
import { foldJournal } from '../../../src/domain/journal/fold.ts';
import { lookupsOf, machinesIn, withMachine } from '../../../src/domain/journal/machine-map.ts';
import { EMPTY_JOURNAL, type JournalState, type MachineMemory } from '../../../src/domain/journal/memory.ts';
import { rollOf } from '../../../src/operations/roll.ts';

const machine = (uuid: string, change: Partial<MachineMemory> = {}): MachineMemory => ({
  uuid,
  name: `vm-${uuid}`,
  machineClass: { kind: 'record-only' },
  details: {
    ipAddress: `10.0.0.${uuid}`,
    ipv6Address: '',
    owner: '',
    username: 'customer',
    createdAtUnix: 0n,
    nftMinted: false,
    disks: [],
    seeds: [],
  },
  phase: 'present',
  witnesses: [],
  failures: {},
  ...change,
});

describe('the map of machines', () => {
  const change = fc.record({
    // Which of the maps made so far it follows: histories branch where an append fails.
    onto: fc.nat(),
    uuid: fc.constantFrom(
      'a',
      'b',
      'c',
      '7',
      '__proto__',
      'constructor',
      ...Array.from({ length: 70 }, (_, n) => `m${n}`),
    ),
    phase: fc.constantFrom('present' as const, 'gone' as const),
    name: fc.constantFrom('x', 'y'),
  });

  it('is a record to everybody, whatever came before and beside it: each map keeps what it had', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 120 }), (changes) => {
        const maps: { readonly map: JournalState['machines']; readonly model: Map<string, MachineMemory> }[] = [
          { map: {}, model: new Map() },
        ];
        for (const { onto, uuid, phase, name } of changes) {
          // Mostly the newest, now and then an older one.
          const from = maps[onto % 5 === 0 ? onto % maps.length : maps.length - 1];
          if (!from) continue;
          const memory = machine(uuid, { phase, name });
          maps.push({ map: withMachine(from.map, memory), model: new Map(from.model).set(uuid, memory) });
        }
        for (const { map, model } of maps) {
          expect(Object.keys(map)).toEqual([...model.keys()]);
          expect(Object.values(map)).toEqual([...model.values()]);
          expect(machinesIn(map)).toEqual([...model.values()]);
          for (const uuid of ['a', '__proto__', 'constructor', 'm3', 'nobody']) {
            expect(Object.hasOwn(map, uuid)).toBe(model.has(uuid));
            if (model.has(uuid)) expect(map[uuid]).toBe(model.get(uuid));
          }
          const named = [...model.values()].filter(({ name }) => name === 'x');
          expect(rollOf(map).named('x')).toEqual(named);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('is not changed from outside', () => {
    const map = withMachine({}, machine('1'));
    expect(() => Object.assign(map, { 2: machine('2') })).toThrow(TypeError);
    expect(() => Reflect.deleteProperty(map, '1')).toThrow(TypeError);
  });

  it('keeps an index for as long as nothing has changed by which machines are looked up', () => {
    const one = withMachine(withMachine({}, machine('1')), machine('2'));
    const [first] = machinesIn(one);
    if (!first) throw new Error('empty');
    const gone = withMachine(one, { ...first, phase: 'gone' });
    expect(lookupsOf(gone)).toBe(lookupsOf(one));
    expect(rollOf(gone).named('vm-1')).toEqual([{ ...first, phase: 'gone' }]);
    expect(rollOf(one).named('vm-1')).toEqual([first]);
    const renamed = withMachine(gone, { ...first, name: 'other' });
    expect(lookupsOf(renamed)).not.toBe(lookupsOf(gone));
    expect([rollOf(renamed).named('vm-1'), rollOf(renamed).named('other')]).toEqual([
      [],
      [{ ...first, name: 'other' }],
    ]);
    const moved = withMachine(gone, { ...first, details: { ...first.details, ipAddress: '10.9.9.9' } });
    expect(rollOf(moved).withAddress('10.0.0.1')).toEqual([]);
    expect(rollOf(moved).withAddress('10.9.9.9')).toHaveLength(1);
  });
});

describe('folding one event', () => {
  const knownOf = (uuid: string): JournalEvent => {
    const { name, machineClass, details } = machine(uuid);
    return { kind: 'machine-known', uuid, name, machineClass, details, how: 'test' };
  };
  const fleet = (size: number): JournalState =>
    Array.from({ length: size }, (_, n) => knownOf(String(n))).reduce(
      (state, event) => foldJournal(state, event, 1),
      EMPTY_JOURNAL,
    );
  /** Milliseconds for so many events, each with a look at the roll; the best of several tries. */
  const cost = (before: JournalState): number => {
    const tries = Array.from({ length: 5 }, () => {
      let state = before;
      const startMs = performance.now();
      for (let n = 0; n < 500; n += 1) {
        state = foldJournal(state, { kind: 'expiry-read', uuid: String(n % 100), expiresAtUnix: BigInt(n) }, 2);
        rollOf(state.machines).named('vm-5');
      }
      return performance.now() - startMs;
    });
    return Math.min(...tries);
  };

  it('costs at ten thousand machines not much more than at a hundred', () => {
    const [few, many] = [fleet(100), fleet(10_000)];
    expect(cost(many) / cost(few)).toBeLessThan(20);
  });
});
