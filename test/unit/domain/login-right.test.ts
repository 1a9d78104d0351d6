import { describe, expect, it } from 'vitest';
import { known, unknown } from '../../../src/domain/fact.ts';
import type { MachineMemory } from '../../../src/domain/journal/memory.ts';
import { loginStep, newOwner, ownerInDoubt, provenToken, startStep } from '../../../src/domain/login.ts';
import type { Observation } from '../../../src/domain/observation.ts';
import type { VmRecord } from '../../../src/domain/record.ts';
import {
  exampleDomain,
  exampleMemory,
  exampleObservation,
  exampleView,
  NOW_MS,
  quiet,
} from '../../support/example-observation.ts';

/* Who may log in (D25): which token is proven, whom the guest names, and what follows for a machine. */

const SELLER = `0x${'a1'.repeat(20)}` as const;
const BUYER = `0x${'b2'.repeat(20)}` as const;
const SILENT = unknown('no endpoint answers', NOW_MS);

const record: VmRecord = {
  name: 'blockhost-007',
  status: 'active',
  ipAddress: '',
  ipv6Address: '',
  owner: SELLER,
  username: 'customer',
  nftTokenId: 7n,
  nftMinted: true,
};
const minted = (details: Partial<MachineMemory['details']> = {}): MachineMemory => ({
  ...exampleMemory,
  details: { ...exampleMemory.details, nftTokenId: 7n, nftMinted: true, ...details },
});

type Said = typeof SELLER | typeof BUYER | undefined;
const says = (head: Said, safe: Said, tokenId = 7n): Partial<Observation> => ({
  login: { tokenId, head: head ? known(head) : SILENT, safe: safe ? known(safe) : SILENT, readAtUnixMs: NOW_MS },
});
const observed = (change: Partial<Observation>): Observation =>
  exampleObservation(exampleView(quiet({ expiresIn: 9999, lag: 5 })), {
    memory: minted(),
    record: known(record),
    ...change,
  });

describe('the token that is proven to be the machine’s (D25)', () => {
  it.each<[string, Pick<Observation, 'record' | 'memory'>, bigint | undefined]>([
    [
      'is the record’s, which is newer than what is remembered',
      { record: known({ ...record, nftTokenId: 9n }), memory: minted() },
      9n,
    ],
    ['is the one remembered where the record is lost', { record: known(undefined), memory: minted() }, 7n],
    ['is the one remembered where the record cannot be read (L3)', { record: SILENT, memory: minted() }, 7n],
    [
      'is the one remembered where the record holds a reserved one only',
      { record: known({ ...record, nftTokenId: 9n, nftMinted: false }), memory: minted() },
      7n,
    ],
    [
      'is none that is only reserved',
      { record: known({ ...record, nftMinted: false }), memory: minted({ nftMinted: false }) },
      undefined,
    ],
    [
      'is none where nothing is remembered and nothing recorded',
      { record: known(undefined), memory: undefined },
      undefined,
    ],
    ['is none where nothing is remembered and nothing readable', { record: SILENT, memory: undefined }, undefined],
    ['is not token 0 of the record', { record: known({ ...record, nftTokenId: 0n }), memory: undefined }, undefined],
    ['is not token 0 of the journal', { record: SILENT, memory: minted({ nftTokenId: 0n }) }, undefined],
    ['is token 1, the first that a customer can have', { record: SILENT, memory: minted({ nftTokenId: 1n }) }, 1n],
  ])('%s', (_title, facts, token) => expect(provenToken(facts)).toBe(token));
});

describe('the owner whom the guest names (D25)', () => {
  it.each<[string, Partial<Observation>]>([
    ['is whom we set last, whatever the record says', { memory: { ...minted(), loginOwner: BUYER } }],
    ['is else the record’s wallet, not the name beside it', { record: known({ ...record, ownerWallet: BUYER }) }],
    ['is else the record’s owner', { record: known({ ...record, owner: BUYER }) }],
    [
      'is the same in whatever case the record spells it',
      { record: known({ ...record, owner: `0x${'B2'.repeat(20)}` }) },
    ],
    [
      'is whom the machine was made for where the record is lost',
      { record: known(undefined), memory: minted({ owner: BUYER }) },
    ],
    [
      'is whom the machine was made for where the record cannot be read (L3)',
      { record: SILENT, memory: minted({ owner: BUYER }) },
    ],
  ])('%s', (_title, change) => {
    expect(newOwner(observed({ ...change, ...says(BUYER, BUYER) }))).toBeUndefined();
    expect(newOwner(observed({ ...change, ...says(SELLER, SELLER) }))).toEqual({ owner: SELLER, tokenId: 7n });
  });
});

describe('an owner in doubt (D25)', () => {
  it.each<[string, Partial<Observation>, boolean]>([
    ['is one whom the head alone does not name any more', says(BUYER, SELLER), true],
    ['is one whom safe alone does not name', says(SELLER, BUYER), true],
    ['is one whom the only readable level does not name', says(undefined, BUYER), true],
    ['is not one whom both levels name', says(SELLER, SELLER), false],
    [
      'is one whom both levels name, while somebody who began to set it was not seen to end (L4)',
      { ...says(SELLER, SELLER), memory: { ...minted(), loginOwner: SELLER, loginUnsure: true } },
      true,
    ],
    ['is not made by silence (L3)', says(undefined, undefined), false],
    ['is not made by another machine’s token', says(BUYER, BUYER, 8n), false],
    ['is not made where nobody was asked', {}, false],
    [
      'is not made where no token is proven',
      { ...says(BUYER, BUYER), record: known(undefined), memory: minted({ nftMinted: false }) },
      false,
    ],
  ])('%s', (_title, change, doubted) => {
    const observation = observed(change);
    expect(ownerInDoubt(observation)).toBe(doubted);
    expect(startStep(observation)).toEqual({ do: 'start', dropSaved: doubted, linkDown: doubted });
  });

  it('keeps the network out of every further start until GECOS was right once', () => {
    const down = { memory: { ...minted(), linkDownSinceUnixMs: NOW_MS - 1000 } };
    expect(startStep(observed({ ...down, ...says(SELLER, SELLER) }))).toEqual({
      do: 'start',
      dropSaved: true,
      linkDown: true,
    });
  });

  it('is none of a machine that is not known yet', () => {
    expect(startStep(observed({ memory: undefined }))).toEqual({ do: 'start', dropSaved: false, linkDown: false });
  });
});

describe('the link of a running machine that was started without network (D25)', () => {
  const down = (change: Partial<Observation>) =>
    loginStep(observed({ memory: { ...minted(), linkDownSinceUnixMs: NOW_MS - 1000 }, ...change }));

  it('is lifted where both levels name whom the guest names', () => {
    expect(down(says(SELLER, SELLER))).toEqual({ do: 'link-up' });
  });

  it('is lifted where no token is proven: there is nobody whom the guest could fail to name', () => {
    const memory = { ...minted({ nftMinted: false }), linkDownSinceUnixMs: NOW_MS - 1000 };
    expect(down({ memory, record: known(undefined) })).toEqual({ do: 'link-up' });
  });

  it.each<[string, Partial<Observation>]>([
    ['nobody was asked', {}],
    ['only safe could be read (L3)', says(undefined, SELLER)],
    ['only the head could be read (L3)', says(SELLER, undefined)],
    ['the head names another', says(BUYER, SELLER)],
    ['safe names another', says(SELLER, BUYER)],
    ['another machine’s token was asked about', says(SELLER, SELLER, 8n)],
    ['the machine is off', { ...says(SELLER, SELLER), domain: known({ ...exampleDomain, run: 'off' }) }],
    ['the machine is paused', { ...says(SELLER, SELLER), domain: known({ ...exampleDomain, run: 'paused' }) }],
    ['its domain is not there', { ...says(SELLER, SELLER), domain: known('absent') }],
    ['libvirt does not answer (L3)', { ...says(SELLER, SELLER), domain: SILENT }],
  ])('stays down while %s', (_title, change) => expect(down(change)).toBeUndefined());

  it('has nothing to be lifted where it is up', () => {
    expect(loginStep(observed(says(SELLER, SELLER)))).toBeUndefined();
    expect(loginStep(observed({ memory: undefined }))).toBeUndefined();
  });
});
