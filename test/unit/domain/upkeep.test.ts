import { describe, expect, it } from 'vitest';
import type { DomainState } from '../../../src/domain/domain-state.ts';
import { known, unknown } from '../../../src/domain/fact.ts';
import type { MachineDetails, MachineMemory } from '../../../src/domain/journal/memory.ts';
import type { Observation } from '../../../src/domain/observation.ts';
import type { VmRecord } from '../../../src/domain/record.ts';
import { exampleDomain, exampleView, NOW_MS, quiet } from '../../support/example-observation.ts';
import { chores, details, off, paidView, without, withRecord } from '../../support/orderly-machine.ts';
import { suspending } from '../../support/row-plan.ts';

/* Which chores a look brings (L12); nothing else is expected than what is listed. */

const NOW_UNIX = 1_800_000_000n;
const NEW_OWNER = `0x${'b2'.repeat(20)}` as const;
const why = unknown('no answer', NOW_MS);

describe('what is noted of a run', () => {
  const noted = (change: Partial<Observation>, remembered: Partial<MachineMemory> = {}) =>
    chores({ record: why, ...change }, remembered);

  it('is nothing new where it runs as it did, or where nothing is seen of it (L3)', () => {
    expect(noted({})).toEqual([]);
    expect(noted({ domain: why }, { run: undefined })).toEqual([]);
    expect(noted({ domain: known('absent') }, { run: undefined })).toEqual([]);
  });

  it('is that it runs, where it did not, or was never seen to, or in another boot of the host (L6)', () => {
    const running = [{ chore: 'note-running' }];
    expect(noted({}, { run: undefined })).toEqual(running);
    expect(noted({}, { run: { on: false, cause: 'owner', atUnixMs: 1, bootId: 'boot' } })).toEqual(running);
    expect(noted({ bootId: 'another' })).toEqual(running);
  });

  it('is that its suspension is over, where a suspended machine runs', () => {
    expect(noted({}, { suspendedAtUnixMs: 5 })).toEqual([{ chore: 'note-suspension-over', why: 'it runs' }]);
  });

  it('is a stop once it has lasted exactly as long as the policy wants, with its cause, once (L7, D16)', () => {
    const since = (sinceUnixMs: number) => ({ domain: known({ ...off, sinceUnixMs }) });
    const stopped = [{ chore: 'note-off', cause: 'owner' }];
    expect(noted(since(NOW_MS - 4999))).toEqual([]);
    expect(noted(since(NOW_MS - 5000))).toEqual(stopped);
    expect(noted(since(NOW_MS - 5000), { run: undefined })).toEqual(stopped);
    expect(noted(since(NOW_MS - 5000), { run: { on: false, cause: 'owner', atUnixMs: 1, bootId: 'boot' } })).toEqual(
      [],
    );
    expect(noted(since(NOW_MS - 5000), { suspending })).toEqual([{ chore: 'note-off', cause: 'expiry' }]);
  });

  it.each(['destroying', 'restoring', 'quarantined', 'gone'] as const)(
    'is nothing of a machine that is %s: its domain is not to be there',
    (phase) => {
      expect(noted({}, { phase, run: undefined, suspendedAtUnixMs: 5 })).toEqual([]);
      expect(noted({ domain: known(off) }, { phase })).toEqual([]);
    },
  );
});

describe('what the journal keeps of a record that may get lost', () => {
  it.each<[string, Partial<VmRecord>, Partial<MachineDetails>]>([
    ['the address', { ipAddress: '192.0.2.8' }, { ipAddress: '192.0.2.8' }],
    ['the IPv6 address', { ipv6Address: '2001:db8::8' }, { ipv6Address: '2001:db8::8' }],
    ['the login', { username: 'other' }, { username: 'other' }],
    ['the owner', { owner: NEW_OWNER }, { owner: NEW_OWNER }],
    ['the owner’s wallet before the owner', { ownerWallet: NEW_OWNER }, { owner: NEW_OWNER }],
    ['the token', { nftTokenId: 8n }, { nftTokenId: 8n }],
  ])('is %s', (_what, change, changed) => {
    expect(chores(withRecord(change))).toEqual([{ chore: 'note-details', details: { ...details, ...changed } }]);
  });

  it('is that the token was minted, which no record takes back (D25)', () => {
    const minted = { chore: 'note-details', details };
    expect(chores({}, { details: { ...details, nftMinted: false } })).toEqual([minted]);
    expect(chores(withRecord({ nftMinted: false }))).toEqual([]);
  });

  it('is not that a token was minted which is only reserved (D25)', () => {
    const reserved = { details: { ...details, nftMinted: false } };
    expect(chores(withRecord({ nftMinted: false }), reserved)).toEqual([]);
  });

  it('is never emptied by a record that lacks something', () => {
    expect(chores(withRecord({ ipv6Address: '', username: '', owner: '' }))).toEqual([]);
    expect(chores(without('nftTokenId'))).toEqual([]);
  });

  it('comes from the machine’s own record only: not from a successor’s, not once it is taken apart', () => {
    expect(chores({ ...withRecord({ username: 'other' }), nameTaken: true })).toEqual([]);
    expect(chores(withRecord({ username: 'other' }), { phase: 'destroying' })).toEqual([]);
    expect(chores({ record: why })).toEqual([]);
  });
});

describe('the expiry', () => {
  const patched = (expiresAtUnix: bigint) => ({ chore: 'patch-record', patch: { expiresAtUnix } });
  const noted = (expiresAtUnix: bigint) => ({ chore: 'note-expiry', expiresAtUnix });

  it('of a bound machine is the chain’s, in journal and record (D15)', () => {
    const view = exampleView(quiet({ expiresIn: 200, lag: 0 }));
    expect(chores({ chain: { kind: 'view', view } })).toEqual([noted(NOW_UNIX + 200n), patched(NOW_UNIX + 200n)]);
    expect(chores(without('expiresAtUnix'))).toEqual([patched(NOW_UNIX + 100n)]);
  });

  it('is an operator’s grant where that is longer, else the chain’s (D15)', () => {
    const granted = (seconds: bigint) => chores({}, { grantUntilUnix: NOW_UNIX + seconds });
    expect(granted(101n)).toEqual([noted(NOW_UNIX + 101n), patched(NOW_UNIX + 101n)]);
    expect(granted(99n)).toEqual([]);
  });

  it.each([
    ['whose head is unknown (L3)', { chain: { kind: 'view', view: { ...paidView, head: why } } }],
    ['that is not configured any more (D12)', { chain: { kind: 'not-configured' } }],
  ] as const)('is left alone by a chain %s, whatever the record says', (_title, chain) => {
    expect(chores({ ...chain, ...withRecord({ expiresAtUnix: 1n }) })).toEqual([]);
  });

  it('of a machine without subscription is its record’s, and the chain has no say (D11)', () => {
    const recordOnly = { machineClass: { kind: 'record-only' } } as const;
    expect(chores(withRecord({ expiresAtUnix: 5n }), recordOnly)).toEqual([noted(5n)]);
    expect(chores({}, recordOnly)).toEqual([]);
    expect(chores({ record: why }, recordOnly)).toEqual([]);
    expect(chores(without('expiresAtUnix'), recordOnly)).toEqual([]);
    expect(chores({ record: known(undefined) }, { ...recordOnly, lastExpiresAtUnix: undefined })).toEqual([]);
  });
});

describe('addresses and metadata', () => {
  it('addresses are listed again, for a machine that is there only', () => {
    const unlisted = { addressesListed: known(false) };
    expect(chores(unlisted)).toEqual([{ chore: 'claim-addresses' }]);
    expect(chores({ ...unlisted, record: why }, { phase: 'quarantined' })).toEqual([]);
    expect(chores({ addressesListed: why })).toEqual([]);
  });

  it('metadata is written where a domain has none and is there to stay (D10)', () => {
    const bare = (change: Partial<DomainState>) => chores({ domain: known({ ...exampleDomain, ...change }) });
    expect(bare({})).toEqual([{ chore: 'write-metadata' }]);
    expect(bare({ persistent: false })).toEqual([]);
    expect(bare({ persistent: false, metadata: { schema: 1, uuid: 'another' } })).toEqual([]);
    expect(chores({ domain: why })).toEqual([]);
    expect(chores({ domain: known('absent') })).toEqual([]);
  });

  it('come after what only the journal is told, and no stranger has any (D8)', () => {
    const untidy = {
      bootId: 'another',
      domain: known(exampleDomain),
      addressesListed: known(false),
      ...withRecord({ username: 'other', status: 'suspended' }),
    };
    expect(chores(untidy, { lastExpiresAtUnix: 1n }).map(({ chore }) => chore)).toEqual([
      'note-running',
      'note-details',
      'note-expiry',
      'write-metadata',
      'patch-record',
      'claim-addresses',
    ]);
    expect(chores({ ...untidy, memory: undefined })).toEqual([]);
  });

  it('are left to the command that makes a machine, or destroys it for good (D14)', () => {
    const untidy = {
      addressesListed: known(false),
      domain: known(exampleDomain),
      ...withRecord({ status: 'suspended' }),
    };
    const ordered = { by: 'anna', sinceUnixMs: 1 };
    expect(chores(untidy, { phase: 'creating' })).toEqual([]);
    expect(chores(untidy, { ordered })).toEqual([]);
    expect(chores(withRecord({}), { ordered, phase: 'gone' })).toMatchObject([{ patch: { status: 'destroyed' } }]);
  });
});
