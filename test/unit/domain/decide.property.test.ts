import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { decide, ROWS } from '../../../src/domain/decide.ts';
import type { FinalityLevel } from '../../../src/domain/entitlement.ts';
import type { Observation } from '../../../src/domain/observation.ts';
import { HARM_OF, type Plan } from '../../../src/domain/plan.ts';
import type { Policy } from '../../../src/domain/policy.ts';
import { observation as anyObservation, policy as anyPolicy } from '../../support/arbitrary-observation.ts';

const RUNS = Number(process.env.DECIDE_RUNS ?? 15_000);
const seenRows = new Map<string, number>();
const seenUnknown = new Map<string, number>();

const tally = (map: Map<string, number>, key: string): void => void map.set(key, (map.get(key) ?? 0) + 1);

const look = (observation: Observation, policy: Policy): Plan => {
  const plan = decide(observation, policy);
  tally(seenRows, plan.row.split('/')[0] ?? '');
  if (plan.row.includes('/')) tally(seenRows, `/${plan.row.split('/')[1]}`);
  for (const fact of ['domain', 'record', 'addressesListed'] as const)
    if (!observation[fact].known) tally(seenUnknown, fact);
  if (observation.chain.kind === 'not-configured') tally(seenUnknown, 'chain not configured');
  if (observation.chain.kind === 'view') {
    for (const level of ['head', 'safe', 'finalized'] as const)
      if (!observation.chain.view[level].known) tally(seenUnknown, level);
  }
  return plan;
};

const harmOf = (plan: Plan) => (plan.step ? HARM_OF[plan.step.do] : undefined);

/** Said without the product's own helpers, so that a fault in them shows. */
const levels = (kind: 'suspend' | 'destroy'): readonly FinalityLevel[] =>
  kind === 'suspend' ? ['head', 'safe'] : ['head', 'safe', 'finalized'];

const always = (sentence: (observation: Observation, policy: Policy, plan: Plan) => boolean | undefined): void => {
  fc.assert(
    fc.property(anyObservation, anyPolicy, (observation, policy) => {
      const plan = look(observation, policy);
      return sentence(observation, policy, plan) !== false;
    }),
    { numRuns: RUNS },
  );
};

const isBound = (observation: Observation): boolean => observation.memory?.machineClass.kind === 'bound';

describe('the decision, for any facts whatever', () => {
  it('never throws, and always has a row (L1)', () => {
    always((_, __, plan) => plan.row !== 'no-row' && plan.because.length > 0);
  });

  it('never harms where a level that the act needs is unknown (L3, L9)', () => {
    always((observation, _, plan) => {
      const kind = harmOf(plan);
      if (kind === undefined || !isBound(observation)) return true;
      if (observation.chain.kind !== 'view') return false;
      const { view } = observation.chain;
      return levels(kind).every((level) => view[level].known);
    });
  });

  it('never harms where the domain or, for a machine without subscription, the record is unknown (L3)', () => {
    always((observation, _, plan) => {
      if (harmOf(plan) === undefined) return true;
      const recordNeeded = !isBound(observation);
      return observation.domain.known && (!recordNeeded || observation.record.known);
    });
  });

  it('never harms a machine that any readable level it must ask calls paid (L9, C11)', () => {
    always((observation, _, plan) => {
      const kind = harmOf(plan);
      if (kind === undefined || !isBound(observation) || observation.chain.kind !== 'view') return true;
      const { view } = observation.chain;
      return levels(kind).every((level) => {
        const fact = view[level];
        return fact.known && Number(fact.value.expiresAtUnix) * 1000 < observation.nowUnixMs;
      });
    });
  });

  it('never harms before both clocks have passed expiry and margin at the level of the act (C9)', () => {
    always((observation, policy, plan) => {
      const kind = harmOf(plan);
      if (kind === undefined || !isBound(observation) || observation.chain.kind !== 'view') return true;
      const fact = observation.chain.view[kind === 'suspend' ? 'safe' : 'finalized'];
      if (!fact.known) return false;
      const dueMs = Number(fact.value.expiresAtUnix) * 1000 + policy.expiryMarginMs;
      return observation.nowUnixMs > dueMs && Number(fact.value.atBlock.timestampUnix) * 1000 > dueMs;
    });
  });

  it('never destroys before the grace has passed since the later of expiry and real suspension (C10)', () => {
    always((observation, policy, plan) => {
      if (harmOf(plan) !== 'destroy' || !isBound(observation) || observation.chain.kind !== 'view') return true;
      const fact = observation.chain.view.finalized;
      if (!fact.known) return false;
      const since = Math.max(Number(fact.value.expiresAtUnix) * 1000, observation.memory?.suspendedAtUnixMs ?? 0);
      return (
        observation.nowUnixMs > since + policy.graceMs &&
        Number(fact.value.atBlock.timestampUnix) * 1000 > since + policy.graceMs
      );
    });
  });

  it('never destroys on the word of one: two endpoints, or two reads far enough apart where there is one (C5)', () => {
    always((observation, policy, plan) => {
      if (harmOf(plan) !== 'destroy' || !isBound(observation) || observation.chain.kind !== 'view') return true;
      const { view } = observation.chain;
      const said = view.finalized.known ? view.finalized.value.expiresAtUnix : undefined;
      if (view.witnesses.some((read) => read.expiresAtUnix !== said)) return false;
      if (new Set(view.witnesses.map((read) => read.endpoint)).size >= 2) return true;
      const early = observation.memory?.witnesses.some(
        (read) => read.expiresAtUnix === said && observation.nowUnixMs - read.readAtUnixMs >= policy.witnessGapMs,
      );
      return view.endpointsConfigured < 2 && early === true;
    });
  });

  it('never harms on facts that are old (C5), with a doubtful clock (C9), a closed gate (L6) or an open breaker (L10)', () => {
    always((observation, policy, plan) => {
      const kind = harmOf(plan);
      if (kind === undefined) return true;
      const old =
        isBound(observation) &&
        observation.chain.kind === 'view' &&
        observation.nowUnixMs - observation.chain.view.readAtUnixMs > policy.freshForHarmMs;
      return (
        !old &&
        observation.clockDoubt === undefined &&
        observation.gateWaitsFor.length === 0 &&
        observation.breaker[kind] === undefined
      );
    });
  });

  it('never acts on a held machine, and never harms a protected one (L11)', () => {
    always((observation, _, plan) => {
      const { hold, protect } = observation.memory ?? {};
      const held = hold !== undefined && (hold.untilUnixMs ?? 0) > observation.nowUnixMs;
      const protectedNow =
        protect !== undefined && (protect.untilUnixMs ?? Number.POSITIVE_INFINITY) > observation.nowUnixMs;
      if (held && plan.step) return false;
      return !(protectedNow && harmOf(plan));
    });
  });

  it('never touches what is not ours (D8), and never destroys what is on', () => {
    always((observation, _, plan) => {
      if (observation.memory === undefined) return plan.step === undefined;
      if (plan.step?.do !== 'destroy') return true;
      const { domain } = observation;
      return (
        domain.known && (domain.value === 'absent' || domain.value.run === 'off' || domain.value.run === 'crashed')
      );
    });
  });

  it('leaves a machine off that its owner or an operator stopped while it was paid for (D16)', () => {
    always((observation, policy, plan) => {
      const { memory, domain } = observation;
      if (memory?.phase !== 'present' || !domain.known || domain.value === 'absent' || domain.value.run !== 'off')
        return true;
      const owners = memory.run?.on === false && memory.run.cause === 'owner' && memory.suspendedAtUnixMs === undefined;
      const admins = memory.run?.on === false && memory.run.cause === 'admin';
      return !((owners && policy.onOwnerStop === 'stay') || admins) || plan.step?.do !== 'start';
    });
  });

  it('says the same for the same facts, however often it is asked (L1)', () => {
    fc.assert(
      fc.property(anyObservation, anyPolicy, (observation, policy) => {
        expect(decide(observation, policy)).toEqual(decide(structuredClone(observation), policy));
      }),
      { numRuns: 3000 },
    );
  });
});

afterAll(() => {
  const missing = [...new Set(ROWS.map((row) => row.row))].filter((row) => !seenRows.has(row));
  const refusals = [
    'protected',
    'boot-gate',
    'clock-in-doubt',
    'facts-unknown',
    'paid',
    'not-over-yet',
    'waiting-for-finality',
    'facts-too-old',
    'clocks-apart',
    'waiting-for-witness',
    'breaker-open',
    'breaker-trips',
  ];
  const print = (map: Map<string, number>): string =>
    [...map]
      .sort(([, a], [, b]) => b - a)
      .map(([key, count]) => `${key} ${count}`)
      .join(', ');
  console.info(`rows generated: ${print(seenRows)}\nunknowns generated: ${print(seenUnknown)}`);
  expect(missing, 'rows that were never generated').toEqual([]);
  expect(
    refusals.filter((refusal) => !seenRows.has(`/${refusal}`)),
    'refusals that were never generated',
  ).toEqual([]);
  expect(
    ['domain', 'record', 'addressesListed', 'head', 'safe', 'finalized', 'chain not configured'].filter(
      (kind) => !seenUnknown.has(kind),
    ),
  ).toEqual([]);
});
