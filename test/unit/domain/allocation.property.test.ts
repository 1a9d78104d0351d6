import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AddressPools,
  type Allocation,
  allocate,
  macOf,
  nextTokenId,
  type Taken,
} from '../../../src/domain/allocation.ts';
import { takenBy } from '../../../src/domain/taken.ts';
import { exampleDomain, exampleMemory } from '../../support/example-observation.ts';

const POOLS: AddressPools = {
  ipv4: { start: '192.168.122.2', end: '192.168.122.20', gateway: '192.168.122.1' },
  ipv6: { prefix: '2001:db8::5/120', start: 2, end: 20 },
};
const NONE: Taken = { addresses: [], avoided: [], macs: [], tokens: new Map() };
const uuidFor = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
const counter = () => {
  let n = 0;
  return () => {
    n += 1;
    return uuidFor(n);
  };
};
const wanted = { name: 'testbox', totalSupply: 0n };
const allocated = (
  taken: Partial<Taken>,
  pools = POOLS,
  more: { nftTokenId?: bigint; totalSupply?: bigint } = {},
): Allocation => {
  const result = allocate({ ...wanted, ...more }, pools, { ...NONE, ...taken }, counter());
  if (!result.ok) throw new Error(result.problems.join('; '));
  return result.allocation;
};

const last = fc.integer({ min: 0, max: 22 });
const addresses = fc.array(
  fc.oneof(
    last.map((n) => `192.168.122.${n}`),
    last.map((n) => `2001:db8::${n.toString(16)}`),
    last.map((n) => `2001:0DB8:0:0::${n.toString(16)}`),
    fc.string(),
  ),
  { maxLength: 30 },
);

describe('an allocation', () => {
  it('begins with the lowest that is free: never the gateway, never ::1 and ::2', () => {
    expect(allocated({})).toEqual({
      uuid: uuidFor(1),
      mac: '52:54:00:00:00:01',
      ipv4: '192.168.122.2',
      ipv6: '2001:db8::3',
      nftTokenId: 1n,
    });
    const gateway = { ...POOLS, ipv4: { start: '10.0.0.1', end: '10.0.0.3', gateway: '10.0.0.1' } };
    expect(allocated({}, gateway).ipv4).toBe('10.0.0.2');
  });

  it('has no IPv6 where the host has none', () => {
    expect(allocated({}, { ...POOLS, ipv6: undefined }).ipv6).toBe('');
  });

  it('never gives what is taken, in whatever spelling, and avoids what may be asked back while others are free (D21)', () => {
    fc.assert(
      fc.property(addresses, addresses, (taken, avoided) => {
        const result = allocate(wanted, POOLS, { ...NONE, addresses: taken, avoided }, counter());
        const isIn = (list: readonly string[], address: string): boolean =>
          list.some(
            (text) =>
              text === address || (/^2001:0?db8:/i.test(text) && text.split('::')[1] === address.split('::')[1]),
          );
        if (!result.ok) {
          expect(result.problems.length).toBeGreaterThan(0);
          return;
        }
        const { ipv4, ipv6 } = result.allocation;
        for (const address of [ipv4, ipv6]) expect(isIn(taken, address)).toBe(false);
        const free = (make: (n: number) => string, from: number): readonly string[] =>
          Array.from({ length: 21 - from }, (_, i) => make(from + i)).filter((address) => !isIn(taken, address));
        for (const [address, all] of [
          [ipv4, free((n) => `192.168.122.${n}`, 2)],
          [ipv6, free((n) => `2001:db8::${n.toString(16)}`, 3)],
        ] as const) {
          expect(all).toContain(address);
          if (isIn(avoided, address)) expect(all.every((one) => isIn(avoided, one))).toBe(true);
        }
      }),
    );
  });

  it('gives one after the other different ones until there are none, and then says all that is used up', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 2, max: 40 }), (end4, end6) => {
        const pools: AddressPools = {
          ipv4: { start: '192.168.122.2', end: `192.168.122.${end4}`, gateway: '192.168.122.1' },
          ipv6: { prefix: '2001:db8::/120', start: 2, end: end6 },
        };
        const room = Math.max(0, Math.min(end4 - 1, end6 - 2));
        const given: Allocation[] = [];
        const newUuid = counter();
        for (;;) {
          const taken: Taken = {
            addresses: given.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]),
            avoided: [],
            macs: given.map(({ mac }) => mac),
            tokens: new Map(given.map(({ nftTokenId }) => [nftTokenId, ''])),
          };
          const result = allocate(wanted, pools, taken, newUuid);
          if (!result.ok) {
            expect(result.problems.join()).toMatch(/no IPv[46] address .* is free/);
            break;
          }
          given.push(result.allocation);
        }
        expect(given).toHaveLength(room);
        expect(new Set(given.flatMap(({ ipv4, ipv6, mac }) => [ipv4, ipv6, mac])).size).toBe(3 * room);
      }),
    );
  });

  it('takes another UUID where the hardware address of the first is somebody’s, in whatever letters', () => {
    expect(allocated({ macs: ['52:54:00:00:00:01', '52:54:00:00:00:02'] }).uuid).toBe(uuidFor(3));
    expect(allocated({ macs: [macOf(uuidFor(1)).toUpperCase()] }).uuid).toBe(uuidFor(2));
  });

  it('takes a token id beyond all that are known, minted or reserved, and never 0 (D19)', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt(0n, 2n ** 80n)), fc.bigInt(0n, 1000n), (ids, supply) => {
        const next = nextTokenId(ids, supply);
        expect(next).toBe([supply, 1n, ...ids.map((id) => id + 1n)].reduce((a, b) => (a > b ? a : b)));
      }),
    );
    expect(nextTokenId([], 0n)).toBe(1n);
    expect(nextTokenId([4n], 3n)).toBe(5n);
    expect(nextTokenId([4n], 9n)).toBe(9n);
  });

  it('keeps a token that was reserved for this very name, and refuses another’s', () => {
    const tokens = new Map([
      [5n, 'testbox'],
      [6n, 'other'],
    ]);
    expect(allocated({ tokens }, POOLS, { nftTokenId: 5n }).nftTokenId).toBe(5n);
    expect(() => allocated({ tokens }, POOLS, { nftTokenId: 6n })).toThrow('token 6 is reserved for other');
  });
});

describe('what is taken (interop §3)', () => {
  const nobody = {
    records: [],
    allocated: { ipv4: [], ipv6: [] },
    reservations: new Map<bigint, string>(),
    machines: [],
    domains: [],
    hostAddresses: [],
    pools: POOLS,
  };
  const record = (status: 'active' | 'destroyed', ipAddress: string) =>
    ({
      name: 'x',
      status,
      ipAddress,
      ipv6Address: '',
      owner: '',
      username: '',
      nftMinted: false,
      nftTokenId: 30n,
    }) as const;
  const machine = (phase: (typeof exampleMemory)['phase'], ipAddress: string) => ({
    ...exampleMemory,
    phase,
    details: { ...exampleMemory.details, ipAddress, nftTokenId: 31n },
  });

  it('is what lists, live records, journal, domains, gateway and host know of', () => {
    const made = {
      ipv4: '192.168.122.5',
      ipv6: '',
      owner: '',
      username: '',
      createdAtUnix: 0n,
      base: '',
      nftTokenId: 32n,
    };
    const taken = takenBy({
      ...nobody,
      allocated: { ipv4: ['192.168.122.2'], ipv6: ['2001:db8::3'] },
      records: [record('active', '192.168.122.3'), record('destroyed', '192.168.122.7')],
      machines: [machine('creating', '192.168.122.4'), machine('gone', '192.168.122.8')],
      domains: [{ ...exampleDomain, metadata: { schema: 1, uuid: exampleDomain.uuid, made } }],
      hostAddresses: ['192.168.122.6'],
      reservations: new Map([[33n, 'y']]),
    });
    const result = allocate(wanted, POOLS, taken, counter());
    expect(result).toMatchObject({
      ok: true,
      allocation: { ipv4: '192.168.122.7', ipv6: '2001:db8::4', nftTokenId: 34n },
    });
    expect([...taken.tokens.keys()].sort()).toEqual([30n, 31n, 32n, 33n]);
  });

  it('leaves the address of a machine in quarantine for the last (D21)', () => {
    const taken = takenBy({ ...nobody, machines: [machine('quarantined', '192.168.122.2')] });
    expect(allocate(wanted, POOLS, taken, counter())).toMatchObject({ allocation: { ipv4: '192.168.122.3' } });
    const pools = { ...POOLS, ipv4: { start: '192.168.122.2', end: '192.168.122.2', gateway: '192.168.122.1' } };
    expect(allocate(wanted, pools, taken, counter())).toMatchObject({ allocation: { ipv4: '192.168.122.2' } });
  });
});
