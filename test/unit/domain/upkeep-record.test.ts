import { describe, expect, it } from 'vitest';
import { known, unknown } from '../../../src/domain/fact.ts';
import type { Observation } from '../../../src/domain/observation.ts';
import { NOW_MS } from '../../support/example-observation.ts';
import { chores, details, off, withRecord } from '../../support/orderly-machine.ts';

/* What upkeep makes of the shared record (L12): it says what is, whatever it said before. */

const NOW_UNIX = 1_800_000_000n;
const NEW_OWNER = `0x${'b2'.repeat(20)}` as const;
const why = unknown('no answer', NOW_MS);

describe('a record of a machine that is there', () => {
  const patch = (of: object) => [{ chore: 'patch-record', patch: of }];
  const suspendedSince = { suspendedAtUnixMs: NOW_MS - 1001, run: { on: false, atUnixMs: 1, bootId: 'boot' } } as const;
  const isOff = { domain: known(off) };

  it('says that it is suspended, and since when, in whole seconds', () => {
    expect(chores(isOff, suspendedSince)).toEqual(patch({ status: 'suspended', suspendedAtUnix: 1_799_999_998n }));
    expect(
      chores({ ...isOff, ...withRecord({ status: 'suspended', suspendedAtUnix: 1_799_999_998n }) }, suspendedSince),
    ).toEqual([]);
  });

  it('loses marks of a suspension and of a destruction that are wrong', () => {
    expect(chores(withRecord({ status: 'suspended', suspendedAtUnix: 5n }))).toEqual(
      patch({ status: 'active', suspendedAtUnix: null }),
    );
    expect(chores(withRecord({ destroyedAtUnix: 5n }))).toEqual(patch({ destroyedAtUnix: null }));
  });

  it('names whom the guest names, once we have set it, however the address is written (D25)', () => {
    const set = { loginOwner: NEW_OWNER, details: { ...details, owner: NEW_OWNER } };
    expect(chores({}, { loginOwner: NEW_OWNER })).toEqual(patch({ owner: NEW_OWNER, gecosSynced: true }));
    expect(chores(withRecord({ ownerWallet: NEW_OWNER }), set)).toEqual([]);
    expect(chores(withRecord({ ownerWallet: NEW_OWNER.replaceAll('b', 'B') }), set)).toEqual([
      { chore: 'note-details', details: { ...details, owner: NEW_OWNER.replaceAll('b', 'B') } },
    ]);
  });

  it('gets back the address that it lost, where one is remembered', () => {
    expect(chores(withRecord({ ipAddress: '' }))).toEqual(patch({ ipAddress: '192.0.2.7' }));
    expect(chores(withRecord({ ipAddress: '' }), { details: { ...details, ipAddress: '' } })).toEqual([]);
  });

  it('is written anew where it is lost, as the machine stands, with the last expiry known', () => {
    const lost = { record: known(undefined) };
    const again = (status: string, expiresAtUnix: bigint) => [{ chore: 'restore-record', status, expiresAtUnix }];
    expect(chores(lost)).toEqual(again('active', NOW_UNIX + 100n));
    expect(chores({ ...lost, ...isOff }, suspendedSince)).toEqual(again('suspended', NOW_UNIX + 100n));
    const noChain = { ...lost, chain: { kind: 'not-configured' } } as const;
    expect(chores(noChain, { lastExpiresAtUnix: 5n })).toEqual(again('active', 5n));
    expect(chores(noChain, { lastExpiresAtUnix: undefined })).toEqual([]);
  });

  it.each(['destroying', 'restoring'] as const)('is left as it is while the machine is %s', (phase) => {
    expect(chores(withRecord({ status: 'suspended', ipAddress: '' }), { phase })).toEqual([]);
    expect(chores({ record: known(undefined) }, { phase })).toEqual([]);
  });
});

describe('a record of a machine that was destroyed', () => {
  const closed = (destroyedAtUnix: bigint) => [
    { chore: 'patch-record', patch: { status: 'destroyed', destroyedAtUnix } },
  ];
  const absent: Partial<Observation> = { domain: known('absent') };
  const quarantine = { sinceUnixMs: NOW_MS - 60_001, untilUnixMs: NOW_MS };

  it('is closed, since it went into quarantine, or now where that is not remembered any more', () => {
    expect(chores(absent, { phase: 'quarantined', quarantine })).toEqual(closed(1_799_999_939n));
    expect(chores(absent, { phase: 'gone' })).toEqual(closed(1_800_000_000n));
  });

  it('stays as it is where it is closed, is not there, or belongs to a successor', () => {
    for (const phase of ['quarantined', 'gone'] as const) {
      expect(chores({ ...absent, ...withRecord({ status: 'destroyed' }) }, { phase })).toEqual([]);
      expect(chores({ ...absent, record: known(undefined) }, { phase })).toEqual([]);
      expect(chores({ ...absent, ...withRecord({ createdAtUnix: 1001n }) }, { phase })).toEqual([]);
      expect(chores({ ...absent, nameTaken: true }, { phase })).toEqual([]);
      expect(chores({ ...absent, record: why }, { phase })).toEqual([]);
    }
  });
});
