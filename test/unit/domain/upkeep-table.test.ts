import { describe, expect, it } from 'vitest';
import type { DomainState } from '../../../src/domain/domain-state.ts';
import { known } from '../../../src/domain/fact.ts';
import { metadataOf } from '../../../src/domain/metadata-of.ts';
import type { Observation } from '../../../src/domain/observation.ts';
import { upkeep } from '../../../src/domain/upkeep.ts';
import {
  domain,
  memory,
  NOW,
  observation,
  off,
  policy,
  record,
  UNIX,
  view,
  why,
} from '../../support/suspended-machine.ts';

/* What upkeep puts right. */

const marked = metadataOf(memory);
const { subscription: ref } = marked;
if (ref === undefined) throw new Error('the machine is bound');
const made = {
  ipv4: '192.0.2.7',
  ipv6: '',
  owner: 'somebody',
  username: 'customer',
  createdAtUnix: 5n,
  base: `sha256:${'b'.repeat(64)}`,
};

describe('upkeep (L12)', () => {
  const running = (change: Partial<Observation> = {}) =>
    observation({
      memory: { ...memory, lastExpiresAtUnix: UNIX + 100n },
      domain: known(domain),
      chain: { kind: 'view', view: view({ all: 100 }) },
      ...change,
    });
  it.each<[string, Partial<Observation>, readonly object[]]>([
    ['has nothing to do where all is right', {}, []],
    [
      'puts the chain’s expiry into the record, exactly (D15)',
      { record: known({ ...record, expiresAtUnix: UNIX + 999n }) },
      [{ chore: 'patch-record', patch: { expiresAtUnix: UNIX + 100n } }],
    ],
    [
      'keeps an operator’s grant that is longer (D15)',
      { memory: { ...memory, lastExpiresAtUnix: UNIX + 500n, grantUntilUnix: UNIX + 500n } },
      [{ chore: 'write-metadata' }, { chore: 'patch-record', patch: { expiresAtUnix: UNIX + 500n } }],
    ],
    [
      'leaves the expiry alone while the chain is unknown (L3)',
      { chain: { kind: 'view', view: { ...view(), head: why } }, record: known({ ...record, expiresAtUnix: 1n }) },
      [],
    ],
    [
      'puts a lost record back',
      { record: known(undefined) },
      [{ chore: 'restore-record', status: 'active', expiresAtUnix: UNIX + 100n }],
    ],
    ['puts nothing back that it could not read (L3)', { record: why }, []],
    ['puts lost addresses back', { addressesListed: known(false) }, [{ chore: 'claim-addresses' }]],
    ['but not on a guess (L3)', { addressesListed: why }, []],
    [
      'writes metadata where there is none (D10)',
      { domain: known({ ...domain, metadata: undefined } as unknown as DomainState) },
      [{ chore: 'write-metadata' }],
    ],
    [
      'writes metadata anew where it lags behind (D8)',
      { domain: known({ ...domain, metadata: { ...marked, suspended: true } }) },
      [{ chore: 'write-metadata' }],
    ],
    [
      'leaves metadata that is another machine’s',
      { domain: known({ ...domain, metadata: { ...marked, uuid: 'another' } }) },
      [],
    ],
    [
      'leaves metadata that names another subscription',
      { domain: known({ ...domain, metadata: { ...marked, subscription: { ...ref, subscriptionId: 99n } } }) },
      [],
    ],
    [
      'leaves metadata that knows what a machine was made with better than the journal',
      { domain: known({ ...domain, metadata: { ...marked, made } }) },
      [],
    ],
    [
      'takes back a destroyed or suspended mark that is wrong',
      { record: known({ ...record, status: 'destroyed', destroyedAtUnix: 5n, suspendedAtUnix: 5n }) },
      [{ chore: 'patch-record', patch: { status: 'active', suspendedAtUnix: null, destroyedAtUnix: null } }],
    ],
    [
      'leaves a record to the living machine of the same name',
      { nameTaken: true, record: known({ ...record, expiresAtUnix: 1n }) },
      [],
    ],
    ['notes that it runs, with the boot (L6)', { bootId: 'b' }, [{ chore: 'note-running' }]],
    ['notes a stop only when it has settled (L7)', { domain: known({ ...off, sinceUnixMs: NOW - 10 }) }, []],
    [
      'notes a settled stop with its cause',
      { domain: known({ ...off, reason: 'shutdown' }) },
      [{ chore: 'note-off', cause: 'owner' }],
    ],
    [
      'keeps what is new in the record',
      { record: known({ ...record, username: 'other' }) },
      [{ chore: 'note-details', details: { username: 'other' } }],
    ],
    ['does nothing to a machine that is not ours (D8)', { memory: undefined }, []],
  ])('%s', (_title, change, chores) => {
    const done = upkeep(running(change), policy);
    expect(done).toMatchObject(chores);
    expect(done).toHaveLength(chores.length);
  });
});
