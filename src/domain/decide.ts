import { adopt } from './adoption.ts';
import { backoffEndsUnixMs } from './backoff.ts';
import type { EntitlementView } from './entitlement.ts';
import type { Basis } from './journal/event.ts';
import type { MachineMemory } from './journal/memory.ts';
import { stateOf } from './machine-state.ts';
import type { Observation } from './observation.ts';
import { HARM_OF, type Plan, type Step } from './plan.ts';
import type { Policy } from './policy.ts';
import { AWAY_ROWS } from './rows-away.ts';
import { PRESENT_ROWS } from './rows-present.ts';
import { type Outcome, type Row, type Situation, wait } from './situation.ts';
import { standingNow, viewOf } from './standing.ts';
import { upkeep } from './upkeep.ts';

/** The whole table, in the order in which its rows are tried. */
export const ROWS: readonly Row[] = [...PRESENT_ROWS, ...AWAY_ROWS];

type NamedOutcome = Outcome & { readonly row: string };

/** Steps that pace themselves by the escalation; a failure of theirs never holds the next one back. */
const SELF_PACED: ReadonlySet<Step['do']> = new Set(['request-shutdown', 'save', 'power-off']);

const situationOf = (observation: Observation, memory: MachineMemory, policy: Policy): Situation => ({
  observation,
  policy,
  memory,
  state: stateOf(observation),
  standing: standingNow(observation, policy),
  domain: observation.domain.known && observation.domain.value !== 'absent' ? observation.domain.value : undefined,
});

const fromTable = (situation: Situation): NamedOutcome => {
  const { observation, state } = situation;
  if (!observation.domain.known) return { row: 'unseen', because: observation.domain.why };
  const row = ROWS.find((candidate) => candidate.state === state && candidate.when(situation));
  return row ? { ...row.outcome(situation), row: row.row } : { row: 'no-row', because: `no row for ${state}` };
};

const heldBy = (memory: MachineMemory, nowUnixMs: number): NamedOutcome | undefined => {
  const { hold } = memory;
  if (hold === undefined || (hold.untilUnixMs ?? 0) <= nowUnixMs) return undefined;
  return { row: 'held', ...wait(`held by ${hold.by}: ${hold.reason}`, hold.untilUnixMs) };
};

/**
 * A step that failed waits for its backoff; one that time cannot cure waits for an operator, and so does harm that failed
 * too often. Kindness is tried again for as long as it takes, with an alarm (L8).
 */
const paced = (
  outcome: NamedOutcome,
  observation: Observation,
  memory: MachineMemory,
  policy: Policy,
): NamedOutcome => {
  const failure = outcome.step && memory.failures[outcome.step.do];
  if (outcome.step === undefined || failure === undefined || SELF_PACED.has(outcome.step.do)) return outcome;
  const { step, ...rest } = outcome;
  const tooOften = failure.count >= policy.parkAfterFailures;
  if (!failure.curable || (tooOften && HARM_OF[step.do] !== undefined)) {
    const what = `${step.do} failed and needs an operator: ${failure.message}`;
    return { ...rest, row: 'parked', because: what, report: { level: 'error', what } };
  }
  const endsUnixMs = backoffEndsUnixMs(observation.uuid, failure, policy, observation.nowUnixMs);
  const what = `${step.do} failed ${failure.count} times: ${failure.message}`;
  const report = tooOften ? { report: { level: 'error', what } as const } : {};
  if (endsUnixMs <= observation.nowUnixMs) return { ...outcome, ...report };
  return { ...rest, ...report, row: 'backing-off', because: what, lookAgainAtUnixMs: endsUnixMs };
};

/** What each level that was read said, and at which block (L9). */
const levelsOf = (view: EntitlementView): NonNullable<Basis['levels']> =>
  (['head', 'safe', 'finalized'] as const).flatMap((level) => {
    const fact = view[level];
    if (!fact.known) return [];
    const { expiresAtUnix, atBlock } = fact.value;
    return [
      {
        level,
        expiresAtUnix,
        blockNumber: atBlock.number,
        blockHash: atBlock.hash,
        timestampUnix: atBlock.timestampUnix,
      },
    ];
  });

const basisOf = (observation: Observation, outcome: NamedOutcome, policy: Policy): Basis => {
  const view = viewOf(observation);
  const head = view?.head.known ? view.head.value : undefined;
  return {
    row: outcome.row,
    because: outcome.because,
    policyVersion: policy.version,
    observedAtUnixMs: observation.nowUnixMs,
    expiresAtUnix: head?.expiresAtUnix,
    blockNumber: head?.atBlock.number,
    blockHash: head?.atBlock.hash,
    ...(view ? { levels: levelsOf(view) } : {}),
    ...(view && view.witnesses.length > 0 ? { witnesses: [...view.witnesses] } : {}),
  };
};

const choose = (observation: Observation, policy: Policy): NamedOutcome => {
  const { memory } = observation;
  if (memory === undefined)
    return observation.domain.known ? adopt(observation) : { row: 'unseen', because: observation.domain.why };
  const held = heldBy(memory, observation.nowUnixMs);
  if (held) return held;
  return paced(fromTable(situationOf(observation, memory, policy)), observation, memory, policy);
};

/**
 * What is to be done with one machine: pure and total, from facts, policy and nothing else (L1). Time comes in as
 * `observation.nowUnixMs`. At most one step; upkeep goes with every plan except where the machine is not ours.
 */
export const decide = (observation: Observation, policy: Policy): Plan => {
  const outcome = choose(observation, policy);
  const chores = [...upkeep(observation, policy), ...(outcome.chores ?? [])];
  return {
    row: outcome.refusal === undefined ? outcome.row : `${outcome.row}/${outcome.refusal}`,
    because: outcome.because,
    chores,
    basis: basisOf(observation, outcome, policy),
    ...(outcome.step ? { step: outcome.step } : {}),
    ...(outcome.report ? { report: outcome.report } : {}),
    ...(outcome.lookAgainAtUnixMs === undefined ? {} : { lookAgainAtUnixMs: outcome.lookAgainAtUnixMs }),
  };
};
