import { describe, expect, it } from 'vitest';
import { adopt, detailsFrom } from '../../../src/domain/adoption.ts';
import type { DomainState } from '../../../src/domain/domain-state.ts';
import { known, unknown } from '../../../src/domain/fact.ts';
import { metadataOf } from '../../../src/domain/metadata-of.ts';
import type { Observation } from '../../../src/domain/observation.ts';
import type { VmRecord } from '../../../src/domain/record.ts';
import {
  EXAMPLE_UUID,
  exampleDomain,
  exampleMemory,
  exampleObservation,
  exampleView,
  NOW_MS,
  quiet,
} from '../../support/example-observation.ts';

const WALLET = `0x${'b2'.repeat(20)}`;
const subscription = { chainId: 1, contract: `0x${'a1'.repeat(20)}`, subscriptionId: 7n } as const;
const bound = { kind: 'bound', subscription } as const;
const why = unknown('no answer', NOW_MS);
const view = exampleView(quiet({ expiresIn: 100, lag: 0 }));
const record: VmRecord = {
  name: 'blockhost-007',
  status: 'active',
  ipAddress: '192.0.2.7',
  ipv6Address: '2001:db8::7',
  owner: 'admin',
  ownerWallet: WALLET,
  username: 'customer',
  createdAtUnix: 1000n,
  nftTokenId: 7n,
  nftMinted: true,
};
const domain: DomainState = { ...exampleDomain, disks: ['/vms/a.qcow2'], seeds: ['/vms/a.iso'] };
const ours: DomainState = { ...domain, metadata: { schema: 1, uuid: EXAMPLE_UUID, subscription } };

/** What becomes of a domain that the journal does not know. */
const met = (change: Partial<Observation>) => {
  const outcome = adopt(
    exampleObservation(view, { memory: undefined, domain: known(domain), record: known(record), ...change }),
  );
  expect(outcome.because, 'every decision says why (L9)').toMatch(/\w/);
  return outcome;
};

describe('what is kept of a machine when it is first known', () => {
  const kept = {
    ipAddress: '192.0.2.7',
    ipv6Address: '2001:db8::7',
    owner: WALLET,
    username: 'customer',
    createdAtUnix: 1000n,
    nftTokenId: 7n,
    nftMinted: true,
    disks: ['/vms/a.qcow2'],
    seeds: ['/vms/a.iso'],
  };

  it('is what its record says, and its disks', () => {
    expect(detailsFrom(record, domain, NOW_MS)).toEqual(kept);
  });

  it('is the owner where the record has no wallet', () => {
    const { ownerWallet: _, ...walletless } = record;
    expect(detailsFrom(walletless, domain, NOW_MS)).toEqual({ ...kept, owner: 'admin' });
  });

  it('is its disks and the moment, where it has no record; no token is taken for minted (D25)', () => {
    expect(detailsFrom(undefined, domain, NOW_MS + 999)).toEqual({
      ipAddress: '',
      ipv6Address: '',
      owner: '',
      username: '',
      createdAtUnix: 1_800_000_000n,
      nftTokenId: undefined,
      nftMinted: false,
      disks: ['/vms/a.qcow2'],
      seeds: ['/vms/a.iso'],
    });
  });
});

describe('a domain that the journal does not know', () => {
  const candidate = { ref: subscription, view };
  const foreign = (level: string, words: RegExp) => ({
    row: 'foreign',
    report: { level, what: expect.stringMatching(words) },
  });

  it('is adopted by its metadata, and the journal says by what (D8, L9)', () => {
    const [adopted, ...others] = met({ domain: known(ours) }).chores ?? [];
    expect(adopted).toMatchObject({ chore: 'adopt', machineClass: bound, how: 'metadata', details: { owner: WALLET } });
    expect(others).toEqual([]);
  });

  it('is adopted by its metadata though its record cannot be read, or is not there', () => {
    for (const noRecord of [why, known(undefined)]) {
      const { row, chores } = met({ domain: known(ours), record: noRecord });
      expect(row).toBe('known-by-metadata');
      expect(chores).toMatchObject([{ chore: 'adopt', details: { owner: '', disks: ['/vms/a.qcow2'] } }]);
    }
  });

  it('is adopted by a live record, and the journal says by what (D10, L9)', () => {
    expect(met({}).chores).toMatchObject([
      { chore: 'adopt', machineClass: { kind: 'record-only' }, how: 'record', details: { owner: WALLET } },
    ]);
    const outcome = met({ candidate });
    expect(outcome.because).toContain('7');
    expect(outcome.chores).toMatchObject([
      { chore: 'adopt', machineClass: bound, how: 'record and chain', details: { owner: WALLET } },
    ]);
  });

  it('is foreign where only its name is that of a live record, however long it has been seen (D8)', () => {
    for (const change of [{}, { candidate }]) {
      const outcome = met({ ...change, filesFit: false });
      expect(outcome).toMatchObject(foreign('warn', /blockhost-007 is foreign .* move its disk into storage_path/));
      expect(outcome.chores).toBeUndefined();
    }
    expect(met({ domain: known(ours), filesFit: false }).row, 'its metadata says more than any file').toBe(
      'known-by-metadata',
    );
  });

  it('is told of once where it carries what belongs to another machine, and nothing else is done (D8, D9)', () => {
    const copied = { ...ours, metadata: { schema: 1, uuid: 'another' } } as const;
    expect(met({ domain: known(copied) })).toMatchObject(foreign('warn', /metadata names another machine/));
    for (const second of [{ domain: known(ours) }, { candidate }]) {
      const outcome = met({ ...second, subscriptionTaken: true });
      expect(outcome).toMatchObject(foreign('error', /second domain for one subscription/));
      expect(outcome.chores).toBeUndefined();
    }
  });

  it('is nobody’s business where nothing says that it is ours: that is no report', () => {
    const outcome = met({ record: known(undefined) });
    expect(outcome).toMatchObject({ row: 'foreign' });
    expect(outcome.report).toBeUndefined();
  });

  it('waits, and says for what, while record or chain are unknown (L3)', () => {
    expect(met({ record: why })).toMatchObject({ row: 'adoption-waits', because: expect.stringMatching(/no answer/) });
    const doubtful = { candidate: { ref: subscription, view: { ...view, head: why } } };
    expect(met(doubtful)).toMatchObject({ row: 'adoption-waits', because: expect.stringMatching(/no answer/) });
  });

  it('is nothing where there is none, or where it is not known whether there is', () => {
    expect(met({ domain: known('absent') }).row).toBe('nothing-there');
    expect(met({ domain: why }).row).toBe('nothing-there');
  });
});

describe('a machine whose record says that it is suspended', () => {
  const off = { run: 'off', reason: 'shutdown' } as const;
  const suspendedAt = (suspendedAtUnix?: bigint): Pick<Observation, 'record'> => ({
    record: known({ ...record, status: 'suspended', ...(suspendedAtUnix === undefined ? {} : { suspendedAtUnix }) }),
  });
  const note = (atUnixMs: number) => ({ chore: 'note-suspended', atUnixMs });
  const candidate = { ref: subscription, view };

  it.each<[string, DomainState, Partial<Observation>]>([
    ['its metadata', ours, {}],
    ['its record', domain, {}],
    ['record and chain', domain, { candidate }],
  ])('known by %s, is suspended since then: a payment starts it again', (_by, known_, change) => {
    const state = known({ ...known_, ...off });
    const chores = (record_: Pick<Observation, 'record'>) => met({ domain: state, ...change, ...record_ }).chores;
    expect(chores(suspendedAt(1_799_999_000n))?.slice(1)).toEqual([note(NOW_MS - 1_000_000)]);
    expect(chores(suspendedAt())?.slice(1)).toEqual([note(NOW_MS)]);
    expect(chores({ record: known({ ...record, suspendedAtUnix: 5n }) })?.slice(1)).toEqual([]);
  });

  it('is not suspended in the future, whatever the record says: grace begins now at the latest (C10)', () => {
    const chores = met({ domain: known({ ...ours, ...off }), ...suspendedAt(1_900_000_000n) }).chores;
    expect(chores?.slice(1)).toEqual([note(NOW_MS)]);
  });

  it('is not suspended while it runs', () => {
    expect(met({ domain: known(ours), ...suspendedAt(5n) }).chores).toHaveLength(1);
  });
});

describe('a domain whose metadata says what the journal had known', () => {
  const off = { ...ours, run: 'off', reason: 'shutdown' } as const;
  const marked = (mark: object, there: DomainState = off) => ({ ...there, metadata: { ...ours.metadata, ...mark } });
  const choresOf = (found: DomainState | object) =>
    met({ domain: known(found as DomainState), record: known(undefined) }).chores?.slice(1);

  it('is suspended from now on, if it is off: nobody knows since when it was (C10)', () => {
    expect(choresOf(marked({ suspended: true }))).toEqual([{ chore: 'note-suspended', atUnixMs: NOW_MS }]);
    expect(choresOf(marked({ suspended: true }, ours))).toEqual([]);
    expect(choresOf(off)).toEqual([]);
  });

  it('has the days that it was granted (D15)', () => {
    expect(choresOf(marked({ grantUntilUnix: 9n }))).toEqual([{ chore: 'note-grant', untilUnix: 9n }]);
  });
});

describe('the metadata that a domain should carry (D8)', () => {
  const madeDetails = { ...exampleMemory.details, nftTokenId: 42n, nftMinted: true, base: 'sha256:bb' };

  it('says what the journal alone would know besides (C11, D15, D25)', () => {
    const memory = {
      ...exampleMemory,
      details: madeDetails,
      loginOwner: `0x${'b2'.repeat(20)}` as const,
      suspendedAtUnixMs: 5,
      grantUntilUnix: 9n,
    };
    expect(metadataOf(memory)).toMatchObject({
      suspended: true,
      grantUntilUnix: 9n,
      made: { owner: WALLET, nftTokenId: 42n, nftMinted: true },
    });
  });

  it.each([
    ['an order', { adminStop: { by: 'op', sinceUnixMs: 4 } }],
    ['what was seen', { run: { on: false, cause: 'admin' as const, atUnixMs: 4, bootId: 'a' } }],
  ])('does not call one suspended that was stopped by hand, by %s (D16)', (_title, change) => {
    expect(metadataOf({ ...exampleMemory, suspendedAtUnixMs: 5, ...change })).not.toHaveProperty('suspended');
  });

  it('names the machine, and its subscription where it is bound to one', () => {
    expect(metadataOf(exampleMemory)).toStrictEqual({ schema: 1, uuid: EXAMPLE_UUID, subscription });
    expect(metadataOf({ ...exampleMemory, machineClass: { kind: 'record-only' } })).toStrictEqual({
      schema: 1,
      uuid: EXAMPLE_UUID,
    });
  });
});
