import { describe, expect, it } from 'vitest';
import { known, unknown } from '../../../src/domain/fact.ts';
import type { MachineMemory } from '../../../src/domain/journal/memory.ts';
import type { Observation } from '../../../src/domain/observation.ts';
import { DEFAULT_POLICY } from '../../../src/domain/policy.ts';
import type { VmRecord } from '../../../src/domain/record.ts';
import { expiryAt, standingNow, viewOf } from '../../../src/domain/standing.ts';
import {
  exampleMemory,
  exampleObservation,
  exampleView,
  type Level,
  NOW_MS,
  quiet,
} from '../../support/example-observation.ts';

/* Which expiry counts for a machine, and by which clock (D11). */

const inSeconds = (seconds: number): bigint => BigInt(NOW_MS / 1000 + seconds);
const level = (expiresIn: number, lag = 0): Level => ({ expiresIn, lag });

describe('the expiry of a bound machine (D11)', () => {
  const levels = { head: level(100, 1), safe: level(200, 2), finalized: level(300, 3) };

  it.each([
    ['head', NOW_MS + 100_000, NOW_MS - 1000],
    ['safe', NOW_MS + 200_000, NOW_MS - 2000],
    ['finalized', NOW_MS + 300_000, NOW_MS - 3000],
  ] as const)('at %s is what that level says, by the time of its own block', (at, expiresAtUnixMs, blockUnixMs) => {
    expect(expiryAt(exampleObservation(exampleView(levels)), at)).toEqual({
      known: true,
      value: { expiresAtUnixMs, blockUnixMs },
    });
  });

  it('is unknown at a level that could not be read, and says why and since when (L3)', () => {
    const silent = unknown('no endpoint answers', NOW_MS - 5000);
    const observation = exampleObservation(exampleView(levels, { safe: silent }));
    expect(expiryAt(observation, 'safe')).toEqual(silent);
    expect(expiryAt(observation, 'head').known).toBe(true);
  });

  it.each(['not-configured', 'not-bound'] as const)('is unknown where the chain is %s, and says so (D12)', (kind) => {
    const observation = exampleObservation(exampleView(levels), { chain: { kind } });
    const nobodyKnows = {
      known: false,
      why: expect.stringContaining('chain is not configured'),
      sinceUnixMs: NOW_MS,
    };
    expect(expiryAt(observation, 'head')).toEqual(nobodyKnows);
    expect(standingNow(observation, DEFAULT_POLICY)).toEqual(nobodyKnows);
    expect(viewOf(observation)).toBeUndefined();
  });

  it('is unknown while the machine is, and says so', () => {
    expect(expiryAt(exampleObservation(exampleView(levels), { memory: undefined }), 'head')).toEqual({
      known: false,
      why: expect.stringContaining('not known yet'),
      sinceUnixMs: NOW_MS,
    });
  });
});

describe('the expiry of a machine without subscription', () => {
  const record: VmRecord = {
    name: 'blockhost-007',
    status: 'active',
    ipAddress: '',
    ipv6Address: '',
    owner: '',
    username: '',
    nftMinted: false,
  };
  const recordOnly: MachineMemory = { ...exampleMemory, machineClass: { kind: 'record-only' } };
  /** The chain says something else throughout: nobody is to ask it. */
  const expiry = (change: Partial<Observation>) =>
    expiryAt(exampleObservation(exampleView(quiet(level(77_777))), { memory: recordOnly, ...change }), 'head');
  const dated = known({ ...record, expiresAtUnix: inSeconds(50) });

  it.each<[string, Partial<Observation>, number]>([
    ['is its record’s', { record: dated }, 50],
    [
      'is its record’s, not the one remembered',
      { record: dated, memory: { ...recordOnly, lastExpiresAtUnix: inSeconds(9) } },
      50,
    ],
    [
      'is the one remembered where the record is lost',
      { record: known(undefined), memory: { ...recordOnly, lastExpiresAtUnix: inSeconds(9) } },
      9,
    ],
    [
      'is the one remembered where the record has lost its date',
      { record: known(record), memory: { ...recordOnly, lastExpiresAtUnix: inSeconds(9) } },
      9,
    ],
    [
      'is an operator’s grant that is later (D15)',
      { record: dated, memory: { ...recordOnly, grantUntilUnix: inSeconds(60) } },
      60,
    ],
    [
      'is not an operator’s grant that is earlier (D15)',
      { record: dated, memory: { ...recordOnly, grantUntilUnix: inSeconds(40) } },
      50,
    ],
  ])('%s, by the wall clock', (_title, change, seconds) => {
    expect(expiry(change)).toEqual({
      known: true,
      value: { expiresAtUnixMs: NOW_MS + seconds * 1000, blockUnixMs: NOW_MS },
    });
  });

  it('is unknown where no date is recorded and none remembered, and says what is lacking (L3)', () => {
    const nowhere = { known: false, why: expect.stringContaining('no expires_at'), sinceUnixMs: NOW_MS };
    expect(expiry({ record: known(record) })).toEqual(nowhere);
    expect(expiry({ record: known(undefined) })).toEqual(nowhere);
  });

  it('is unknown where the record cannot be read, whatever is remembered (L3)', () => {
    const torn = unknown('vms.json is torn', NOW_MS - 5000);
    expect(expiry({ record: torn, memory: { ...recordOnly, lastExpiresAtUnix: inSeconds(9) } })).toEqual(torn);
  });
});

describe('the standing at this moment (C5)', () => {
  const standing = (head: Level) =>
    standingNow(exampleObservation(exampleView({ head, safe: level(-9999), finalized: level(9999) })), DEFAULT_POLICY);

  it('is what the head says, whatever the older levels say', () => {
    expect(standing(level(10))).toEqual({ known: true, value: 'paid' });
    expect(standing(level(-10))).toEqual({ known: true, value: 'ending' });
    expect(standing(level(-60))).toEqual({ known: true, value: 'over' });
    expect(standing(level(-60, 50))).toEqual({ known: true, value: 'ending' });
  });
});
