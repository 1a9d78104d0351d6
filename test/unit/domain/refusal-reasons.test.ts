import { describe, expect, it } from 'vitest';
import type { EntitlementView, WitnessRead } from '../../../src/domain/entitlement.ts';
import { known, unknown } from '../../../src/domain/fact.ts';
import type { MachineMemory } from '../../../src/domain/journal/memory.ts';
import type { Observation } from '../../../src/domain/observation.ts';
import { permitHarm, type Refusal } from '../../../src/domain/permit.ts';
import { DEFAULT_POLICY } from '../../../src/domain/policy.ts';
import {
  exampleMemory,
  exampleObservation,
  exampleView,
  type Level,
  NOW_MS,
  quiet,
} from '../../support/example-observation.ts';

/*
 * What an operator reads when harm is refused: who or what stands in the way, and until when. NOW is
 * 2027-01-15T08:00:00Z.
 */

const policy = { ...DEFAULT_POLICY, expiryMarginMs: 30_000, graceMs: 600_000 };
const SILENT = unknown('no endpoint answers', NOW_MS);
const at = (expiresIn: number, lag = 0): Level => ({ expiresIn, lag });
const read = (endpoint: string, change: Partial<WitnessRead> = {}): WitnessRead => ({
  endpoint,
  expiresAtUnix: BigInt(NOW_MS / 1000 - 5000),
  cancelled: false,
  blockNumber: 1n,
  blockHash: '0x1',
  readAtUnixMs: NOW_MS,
  ...change,
});
const word = { reason: 'a lawyer asked', by: 'ops', sinceUnixMs: 1 };

interface Facts extends Partial<Observation> {
  readonly levels?: Parameters<typeof exampleView>[0];
  readonly view?: Partial<EntitlementView>;
  readonly remembered?: Partial<MachineMemory>;
}
const harm = (
  kind: 'suspend' | 'destroy',
  { levels = quiet(at(-5000)), view = {}, remembered = {}, ...change }: Facts,
) =>
  permitHarm(
    exampleObservation(exampleView(levels, view), { memory: { ...exampleMemory, ...remembered }, ...change }),
    { kind, begun: false },
    policy,
  );

type Told = readonly [Refusal, string, number?];
const told = (permit: ReturnType<typeof harm>): Told | string => {
  if (permit.granted) return permit.because;
  const { refusal, because, ...look } = permit;
  return 'lookAgainAtUnixMs' in look
    ? [refusal, because, (look.lookAgainAtUnixMs - NOW_MS) / 1000]
    : [refusal, because];
};

describe('a refused suspension says', () => {
  it.each<[string, Facts, Told]>([
    [
      'who protects the machine and why (L11)',
      { remembered: { protect: word } },
      ['protected', 'protected by ops: a lawyer asked'],
    ],
    [
      'until when it is protected (L11)',
      { remembered: { protect: { ...word, untilUnixMs: NOW_MS + 9000 } } },
      ['protected', 'protected by ops: a lawyer asked', 9],
    ],
    [
      'what start-up waits for (L6)',
      { gateWaitsFor: ['chain', 'records'] },
      ['boot-gate', 'start-up still waits for chain, records'],
    ],
    [
      'by how much the clock jumped (C9)',
      { clockDoubt: { byMs: -10_800_400, atUnixMs: NOW_MS } },
      ['clock-in-doubt', 'the wall clock jumped by -10800 s'],
    ],
    ['why the breaker is open (L10)', { breaker: { suspend: 'too many' } }, ['breaker-open', 'too many']],
    ['what would trip the breaker (L10)', { breakerWouldTrip: { suspend: 'too many' } }, ['breaker-trips', 'too many']],
    [
      'at which level nothing is known, and why (L3)',
      { view: { safe: SILENT } },
      ['facts-unknown', 'unknown at safe: no endpoint answers'],
    ],
    [
      'until when it is paid, and which level says so (L9)',
      { levels: { ...quiet(at(-5000)), safe: at(60) } },
      ['paid', 'paid until 2027-01-15T08:01:00.000Z at safe', 1],
    ],
    [
      'that it is paid for ever where a date cannot say when (D11)',
      { levels: quiet(at(8_640_000_000_000)) },
      ['paid', 'paid until the end of time at head', (Number.MAX_SAFE_INTEGER + 30_001 - NOW_MS) / 1000],
    ],
    [
      'from when on the wall clock allows it (C9)',
      { levels: quiet(at(-10)) },
      ['not-over-yet', 'not over before 2027-01-15T08:00:20.000Z by the wall clock', 20.001],
    ],
    [
      'which block time it waits for (C9)',
      { levels: { ...quiet(at(-40)), safe: at(-40, 30) } },
      [
        'waiting-for-finality',
        "the safe block's time is 2027-01-15T07:59:30.000Z, it must pass 2027-01-15T07:59:50.000Z",
        20.001,
      ],
    ],
    [
      'that the block is older than the expiry, not that it is paid (C9)',
      { levels: { ...quiet(at(-40)), safe: at(-40, 60) } },
      [
        'waiting-for-finality',
        "the safe block's time is 2027-01-15T07:59:00.000Z, it must pass 2027-01-15T07:59:50.000Z",
        50.001,
      ],
    ],
    [
      'that the wall clock is behind a block that calls it over, not that it is paid (C9)',
      { levels: quiet(at(5, -60)) },
      ['not-over-yet', 'not over before 2027-01-15T08:00:35.000Z by the wall clock', 35.001],
    ],
    [
      'that the machine is not known, where it is not (L3)',
      { memory: undefined },
      ['facts-unknown', 'unknown at head: the machine is not known yet'],
    ],
    [
      'that the reading is old, and to read again now (C5)',
      { view: { readAtUnixMs: NOW_MS - 60_000 } },
      ['facts-too-old', 'the chain was not read just now', 0],
    ],
    [
      'how far the clocks are apart (C9)',
      { levels: quiet(at(-5000, 600)) },
      ['clocks-apart', "wall clock and head's block time are 600 s apart"],
    ],
    [
      'which endpoint disagrees (C12)',
      { view: { endpointsConfigured: 2, witnesses: [read('rpc#1'), read('rpc#2', { cancelled: true })] } },
      ['facts-unknown', 'rpc#2 says something else at the finalized block'],
    ],
    [
      'why nothing is known of the disagreement (C12)',
      { view: { endpointsConfigured: 2, finalized: unknown('rpc#2 forked', 1) } },
      ['facts-unknown', 'unknown at finalized: rpc#2 forked'],
    ],
  ])('%s', (_title, facts, wanted) => expect(told(harm('suspend', facts))).toEqual(wanted));
});

describe('a refused destruction says', () => {
  it.each<[string, Facts, Told]>([
    [
      'from when on its grace is over (C10)',
      { levels: quiet(at(-60)) },
      ['not-over-yet', 'not over before 2027-01-15T08:09:30.000Z by the wall clock', 570.001],
    ],
    [
      'which endpoint disagrees, also where only one is configured now (C5)',
      { view: { witnesses: [read('rpc#1', { expiresAtUnix: 9n })] } },
      ['facts-unknown', 'rpc#1 says something else at the finalized block'],
    ],
    [
      'that a second endpoint is missing (C5)',
      { view: { endpointsConfigured: 2, witnesses: [read('rpc#1')] } },
      ['waiting-for-witness', 'only one endpoint answers; destruction wants two'],
    ],
    [
      'when the second read of a lone endpoint is due, counted from the first (D22)',
      {
        view: { witnesses: [read('rpc#1')] },
        remembered: { witnesses: [read('rpc#1', { readAtUnixMs: NOW_MS - 60_000 })] },
      },
      ['waiting-for-witness', 'with one endpoint a second read is due at 2027-01-15T08:09:00.000Z', 540],
    ],
    [
      'that the first read is this one where what is remembered said something else (D22)',
      {
        view: { witnesses: [read('rpc#1')] },
        remembered: {
          witnesses: [
            read('rpc#1', { readAtUnixMs: 1, cancelled: true }),
            read('rpc#1', { readAtUnixMs: 1, expiresAtUnix: 9n }),
          ],
        },
      },
      ['waiting-for-witness', 'with one endpoint a second read is due at 2027-01-15T08:10:00.000Z', 600],
    ],
  ])('%s', (_title, facts, wanted) => expect(told(harm('destroy', facts))).toEqual(wanted));
});

describe('a permit says what it rests on (L9)', () => {
  it('to suspend: head, safe and the wall clock', () => {
    expect(told(harm('suspend', {}))).toBe('over at head, safe and by the wall clock');
  });

  it('to destroy: all three levels and the wall clock', () => {
    const view = { endpointsConfigured: 2, witnesses: [read('rpc#1'), read('rpc#2')] };
    expect(told(harm('destroy', { view }))).toBe('over at head, safe, finalized and by the wall clock');
  });
});

describe('a machine without subscription', () => {
  const recordOnly: Partial<MachineMemory> = {
    machineClass: { kind: 'record-only' },
    lastExpiresAtUnix: BigInt(NOW_MS / 1000 - 5000),
  };

  it('is harmed by its record and the wall clock alone: no reading of a chain can be too old for it (D11)', () => {
    const facts: Facts = { remembered: recordOnly, record: known(undefined), view: { readAtUnixMs: 1 } };
    expect(harm('suspend', facts).granted).toBe(true);
    expect(harm('destroy', facts).granted).toBe(true);
  });

  it('is harmed where no chain is configured at all (D12)', () => {
    const facts: Facts = { remembered: recordOnly, record: known(undefined), chain: { kind: 'not-configured' } };
    expect(harm('destroy', facts).granted).toBe(true);
  });
});
