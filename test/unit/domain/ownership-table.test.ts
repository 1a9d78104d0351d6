import { describe, expect, it } from 'vitest';
import { adopt } from '../../../src/domain/adoption.ts';
import type { DomainState } from '../../../src/domain/domain-state.ts';
import { known } from '../../../src/domain/fact.ts';
import { loginStep, newOwner, provenToken, startStep } from '../../../src/domain/login.ts';
import type { Observation } from '../../../src/domain/observation.ts';
import {
  BUYER,
  domain,
  memory,
  NOW,
  OWNER,
  observation,
  record,
  ref,
  UUID,
  view,
  why,
} from '../../support/suspended-machine.ts';

/* Whose a machine is, and who may log in. */

describe('whose machine it is (D8–D10)', () => {
  const stranger = (change: Partial<Observation>): Observation => observation({ memory: undefined, ...change });
  const bare: DomainState = { ...domain, metadata: undefined } as unknown as DomainState;
  const candidate = { ref, view: view({ all: 3600 }) };
  it.each<[string, Partial<Observation>, string, unknown]>([
    ['our metadata with a subscription: bound to it', {}, 'known-by-metadata', { kind: 'bound', subscription: ref }],
    [
      'our metadata without: record-only',
      { domain: known({ ...domain, metadata: { schema: 1, uuid: UUID } }) },
      'known-by-metadata',
      { kind: 'record-only' },
    ],
    [
      'a copy of another’s metadata: foreign',
      { domain: known({ ...domain, metadata: { schema: 1, uuid: 'another' } }) },
      'foreign',
      undefined,
    ],
    ['a second machine for one subscription: foreign', { subscriptionTaken: true }, 'foreign', undefined],
    ['neither metadata nor record: foreign', { domain: known(bare), record: known(undefined) }, 'foreign', undefined],
    [
      'a destroyed record is no live one: foreign',
      { domain: known(bare), record: known({ ...record, status: 'destroyed' }) },
      'foreign',
      undefined,
    ],
    [
      'a record that belongs to another living machine: foreign',
      { domain: known(bare), nameTaken: true },
      'foreign',
      undefined,
    ],
    [
      'a record that cannot be read decides nothing (L3)',
      { domain: known(bare), record: why },
      'adoption-waits',
      undefined,
    ],
    [
      'a live record whose name binds to nothing: record-only',
      { domain: known(bare) },
      'adopted-record-only',
      { kind: 'record-only' },
    ],
    [
      'a live record whose name binds: bound',
      { domain: known(bare), candidate },
      'adopted-bound',
      { kind: 'bound', subscription: ref },
    ],
    [
      'whether it binds is unknown: waits (L3, D9)',
      { domain: known(bare), candidate: { ref, view: { ...candidate.view, head: why } } },
      'adoption-waits',
      undefined,
    ],
    [
      'its name binds to another’s subscription: foreign',
      { domain: known(bare), candidate, subscriptionTaken: true },
      'foreign',
      undefined,
    ],
    ['no domain, nothing remembered', { domain: known('absent') }, 'nothing-there', undefined],
  ])('%s', (_title, change, row, machineClass) => {
    const outcome = adopt(stranger(change));
    expect(outcome.row).toBe(row);
    const [chore] = outcome.chores ?? [];
    expect(chore?.chore === 'adopt' ? chore.machineClass : undefined).toEqual(machineClass);
    expect(outcome.step).toBeUndefined();
  });
});

describe('the login right (D25)', () => {
  const on = (change: Partial<Observation> = {}) => observation({ memory, domain: known(domain), ...change });
  const said = (
    head: typeof OWNER | typeof BUYER | undefined,
    safe: typeof OWNER | typeof BUYER | undefined,
    tokenId = 7n,
  ) => ({ login: { tokenId, head: head ? known(head) : why, safe: safe ? known(safe) : why, readAtUnixMs: NOW } });
  it.each<[string, Partial<Observation>, string | undefined]>([
    ['changes at safe, agreed by head', said(BUYER, BUYER), BUYER],
    ['does not change while only the head says so', said(BUYER, OWNER), undefined],
    ['does not change while the head says otherwise again', said(OWNER, BUYER), undefined],
    ['does not change while the head is unknown (L3)', said(undefined, BUYER), undefined],
    ['does not change while safe is unknown (L3)', said(BUYER, undefined), undefined],
    ['does not change for another’s token', said(BUYER, BUYER, 8n), undefined],
    ['does not change for who is the owner already', said(OWNER, OWNER), undefined],
    [
      'does not change for a token that is only reserved',
      {
        ...said(BUYER, BUYER),
        record: known({ ...record, nftMinted: false }),
        memory: { ...memory, details: { ...memory.details, nftMinted: false } },
      },
      undefined,
    ],
  ])('%s', (_title, change, owner) => {
    expect(newOwner(on(change))?.owner).toBe(owner);
  });

  it('never follows token 0, which is the administrator’s', () => {
    expect(provenToken({ record: known({ ...record, nftTokenId: 0n }), memory: undefined })).toBeUndefined();
    expect(provenToken({ record: why, memory })).toBe(7n);
  });

  it('waits for the agent, and starts a machine whose owner changed afresh and without network', () => {
    expect(loginStep(on(said(BUYER, BUYER)))).toMatchObject({
      do: 'set-login',
      owner: BUYER,
      tokenId: 7n,
      username: 'customer',
    });
    expect(
      loginStep(on({ ...said(BUYER, BUYER), domain: known({ ...domain, agentConnected: false }) })),
    ).toBeUndefined();
    expect(startStep(on(said(BUYER, BUYER)))).toEqual({ do: 'start', dropSaved: true, linkDown: true });
    expect(startStep(on(said(OWNER, OWNER)))).toEqual({ do: 'start', dropSaved: false, linkDown: false });
  });

  it('lifts the link only when the owner is known and named', () => {
    const down = { memory: { ...memory, linkDownSinceUnixMs: NOW } };
    expect(loginStep(on({ ...down, ...said(OWNER, OWNER) }))).toEqual({ do: 'link-up' });
    expect(loginStep(on({ ...down, ...said(undefined, undefined) }))).toBeUndefined();
    expect(loginStep(on(down))).toBeUndefined();
  });
});
