import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../../../src/domain/decide.ts';
import { known, unknown } from '../../../../src/domain/fact.ts';
import { fromJson, toJson } from '../../../../src/domain/journal/json.ts';
import type { MachineMemory } from '../../../../src/domain/journal/memory.ts';
import type { Observation } from '../../../../src/domain/observation.ts';
import { HARM_OF } from '../../../../src/domain/plan.ts';
import { DEFAULT_POLICY } from '../../../../src/domain/policy.ts';
import { objections } from '../../../../src/domain/warrant/objections.ts';
import { parseWarrant, type Warrant } from '../../../../src/domain/warrant/warrant.ts';
import { observation as anyObservation, policy as anyPolicy } from '../../../support/arbitrary-observation.ts';
import {
  exampleDomain,
  exampleMemory,
  exampleObservation,
  exampleView,
  NOW_MS,
  quiet,
} from '../../../support/example-observation.ts';

const DAY = 86_400;
const NOW_UNIX = BigInt(NOW_MS / 1000);

/** A machine whose grace has long passed, and two endpoints that say so. */
const ENDED = -30 * DAY;
const read = (endpoint: string, seconds = ENDED) => ({
  endpoint,
  expiresAtUnix: NOW_UNIX + BigInt(seconds),
  cancelled: false,
  blockNumber: 100n,
  blockHash: '0x64',
  readAtUnixMs: NOW_MS,
});
const overView = exampleView(quiet({ expiresIn: ENDED, lag: 10 }), {
  endpointsConfigured: 2,
  witnesses: [read('rpc#1'), read('rpc#2')],
});
const off = known({ ...exampleDomain, run: 'off', reason: 'shutdown' } as const);
const suspended: MachineMemory = { ...exampleMemory, suspendedAtUnixMs: NOW_MS - 20 * DAY * 1000 };
const over = exampleObservation(overView, { domain: off, memory: suspended });
const warrant: Warrant = { code: 'test', policy: DEFAULT_POLICY, facts: over };

const against = (change: Partial<Observation>, kind: 'suspend' | 'destroy' = 'destroy'): string =>
  objections(warrant, kind, { ...over, ...change }).join('; ');
const seen = (view: Partial<typeof overView>): Partial<Observation> => ({
  chain: { kind: 'view', view: { ...overView, ...view } },
});
const at = (expiresIn: number, lag: number, number = 100n, hash = '0x64') =>
  known({
    id: 7n,
    owner: exampleMemory.details.owner as `0x${string}`,
    expiresAtUnix: NOW_UNIX + BigInt(expiresIn),
    cancelled: false,
    atBlock: { number, hash, timestampUnix: NOW_UNIX - BigInt(lag) },
  });
const remembers = (change: Partial<MachineMemory>): Partial<Observation> => ({ memory: { ...suspended, ...change } });

describe('a warrant', () => {
  it('comes back out of the journal’s JSON as it was, whatever the facts were (L9)', () => {
    fc.assert(
      fc.property(anyObservation, anyPolicy, (facts, policy) => {
        const written = JSON.stringify(toJson({ code: '0.1.0', policy, facts }));
        const back = parseWarrant(fromJson(JSON.parse(written)));
        expect(back).toEqual({ code: '0.1.0', policy, facts });
        // What counts: the same decision can be made from it.
        expect(back && decide(back.facts, back.policy)).toEqual(decide(facts, policy));
      }),
      { numRuns: 1500 },
    );
  });

  it('of another version is none', () => {
    expect(parseWarrant({ code: '9', policy: DEFAULT_POLICY, facts: { ...over, domain: 'running' } })).toBeUndefined();
    expect(parseWarrant(undefined)).toBeUndefined();
  });
});

describe('a warrant is served', () => {
  it('where everything still speaks for it', () => {
    expect(objections(warrant, 'destroy', over)).toEqual([]);
    expect(objections(warrant, 'suspend', over)).toEqual([]);
  });

  it('for every harm that the decision permits, whatever the facts: the two agree, and were written apart', () => {
    let harms = 0;
    fc.assert(
      fc.property(anyObservation, anyPolicy, (facts, policy) => {
        const { step } = decide(facts, policy);
        const kind = step && HARM_OF[step.do];
        if (kind === undefined) return;
        harms += 1;
        expect(objections({ code: 'test', policy, facts }, kind, facts)).toEqual([]);
      }),
      { numRuns: Number(process.env.WARRANT_RUNS ?? 15_000) },
    );
    expect(harms).toBeGreaterThan(100);
  });
});

describe('a warrant is refused', () => {
  it.each<[string, Partial<Observation>, RegExp]>([
    ['for another machine', { uuid: '00000000-0000-4000-8000-000000000008' }, /is for 0000.*7/],
    ['for one that nobody knows', { memory: undefined }, /does not know/],
    ['for one that is bound elsewhere now', remembers({ machineClass: { kind: 'record-only' } }), /something else/],
    ['when it has become old', { nowUnixMs: NOW_MS + 901_000 }, /901 s old/],
    ['when the clock went back', { nowUnixMs: NOW_MS - 1000 }, /-1 s old/],
    [
      'when it is held (L11)',
      remembers({ hold: { reason: '', by: 'root', sinceUnixMs: 1, untilUnixMs: NOW_MS + 1 } }),
      /held by root/,
    ],
    ['when it is protected (L11)', remembers({ protect: { reason: '', by: 'root', sinceUnixMs: 1 } }), /protected/],
    ['when it is gone', remembers({ phase: 'gone' }), /gone already/],
    ['when libvirt does not say (L3)', { domain: unknown('no connection', 1) }, /libvirt is unknown/],
    ['when it is on', { domain: known(exampleDomain) }, /it is on/],
    ['when the gate is shut (L6)', { gateWaitsFor: ['chain'] }, /waits for chain/],
    ['when the clock jumped (C9)', { clockDoubt: { byMs: 1, atUnixMs: 1 } }, /in doubt/],
    ['when the breaker opened (L10)', { breaker: { destroy: 'too many' } }, /breaker is open/],
    ['when its chain is not configured any more (D12)', { chain: { kind: 'not-configured' } }, /not configured/],
    ['when the head is unknown (L3)', seen({ head: unknown('no answer', 1) }), /unknown at head/],
    ['when safe is unknown (L3)', seen({ safe: unknown('no answer', 1) }), /unknown at safe/],
    ['when finalized is unknown (L3)', seen({ finalized: unknown('no answer', 1) }), /unknown at finalized/],
    ['when it was paid at the head (C11)', seen({ head: at(3600, 10) }), /not due before/],
    ['when finalized still says paid (L9)', seen({ finalized: at(3600, 10) }), /not due before/],
    ['while a grant lasts (D15)', remembers({ grantUntilUnix: NOW_UNIX }), /not due before/],
    ['while grace counts from a later suspension (C10)', remembers({ suspendedAtUnixMs: NOW_MS }), /not due before/],
    ['when the finalized block’s time is too early (C9)', seen({ finalized: at(ENDED, 25 * DAY) }), /block's time/],
    ['when the clocks are apart (C9)', seen({ head: at(ENDED, 121) }), /too far apart/],
    ['when the chain was read long ago (C5)', seen({ readAtUnixMs: NOW_MS - 21_000 }), /not read just now/],
    ['when finality went back (D23)', seen({ finalized: at(ENDED, 10, 99n) }), /went back from 100 to 99/],
    ['when that block is another one (D23)', seen({ finalized: at(ENDED, 10, 100n, '0x65') }), /another one/],
    ['when one endpoint lies (C5)', seen({ witnesses: [read('rpc#1'), read('rpc#2', 3600)] }), /rpc#2 says something/],
    ['without a second witness (C5)', seen({ witnesses: [read('rpc#1')] }), /no second witness/],
  ])('%s', (_, change, why) => {
    expect(against(change)).toMatch(why);
  });

  it('with one endpoint, unless the first of two reads is old enough (C5, D22)', () => {
    const one = seen({ endpointsConfigured: 1, witnesses: [read('rpc#1')] });
    const early = (ms: number) => remembers({ witnesses: [{ ...read('rpc#1'), readAtUnixMs: NOW_MS - ms }] });
    expect(against({ ...one, ...early(DEFAULT_POLICY.witnessGapMs - 1) })).toMatch(/no second witness/);
    expect(against({ ...one, ...early(DEFAULT_POLICY.witnessGapMs) })).toBe('');
  });

  it('for a machine of a record where that is unreadable, or says that it is paid (D12)', () => {
    const memory: MachineMemory = { ...suspended, machineClass: { kind: 'record-only' } };
    const facts: Observation = { ...over, memory, chain: { kind: 'not-bound' } };
    const judge = (change: Partial<Observation>) =>
      objections({ ...warrant, facts }, 'destroy', { ...facts, ...change }).join();
    expect(judge({ record: unknown('not JSON', 1) })).toMatch(/record is unknown/);
    expect(judge({})).toMatch(/nothing says until when/);
    expect(judge({ memory: { ...memory, lastExpiresAtUnix: NOW_UNIX } })).toMatch(/not due before/);
    expect(judge({ memory: { ...memory, lastExpiresAtUnix: NOW_UNIX - BigInt(30 * DAY) } })).toBe('');
  });

  it('a suspension needs neither finality nor witnesses, and a running guest is no objection to it (C5)', () => {
    const change = { domain: known(exampleDomain), ...seen({ finalized: unknown('no answer', 1), witnesses: [] }) };
    expect(against(change, 'suspend')).toBe('');
    expect(against(change)).toMatch(/unknown at finalized/);
  });
});
