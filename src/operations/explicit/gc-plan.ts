import type { Uuid } from '../../domain/identity.ts';
import type { HarmKind } from '../../domain/journal/memory.ts';
import { HARM_OF } from '../../domain/plan.ts';
import { standingNow } from '../../domain/standing.ts';
import type { Deps } from '../deps.ts';
import type { Fleet } from '../fleet.ts';
import { inParallel } from '../in-parallel.ts';
import { createForesight, type Foreseen } from './foresee.ts';

/** Machines that are looked at together; their questions to the chain share a pass. */
const WIDTH = 32;

/** Refusals that only say: nothing is due. */
const NOT_DUE: ReadonlySet<string> = new Set(['paid', 'not-over-yet']);

/** Refusals that leave something in the journal, for whoever decides next (D22, L10). */
const NOTED: readonly string[] = ['waiting-for-witness', 'breaker-trips'];

/** Why harm that may be due is not done, in words for one line. */
const WAITS: Readonly<Record<string, string>> = {
  protected: 'protected',
  held: 'held',
  parked: 'needs an operator',
  'backing-off': 'a step failed, and is tried again later',
  'boot-gate': 'not everything could be seen',
  'clock-in-doubt': 'the wall clock is in doubt',
  'clocks-apart': 'wall clock and chain are apart',
  'facts-unknown': 'the chain, or the record, does not say',
  'facts-too-old': 'the chain was not read just now',
  'waiting-for-finality': 'not final on the chain yet',
  'waiting-for-witness': 'a second witness of the chain',
  'breaker-open': 'the breaker is open',
  'breaker-trips': 'the breaker trips',
  'adoption-waits': 'whose it is cannot be told',
  unseen: 'libvirt does not say',
};

export interface GcPlan {
  readonly suspend: readonly Uuid[];
  readonly destroy: readonly Uuid[];
  /** Out of the way already; deleting what was kept is no candidate of anybody's. */
  readonly purge: readonly Uuid[];
  /** Nothing is done to these now, but what was seen of them is to be written down: a first witness, a breaker that trips. */
  readonly note: readonly Uuid[];
  /** Reason to the machines that wait for it. */
  readonly waiting: ReadonlyMap<string, readonly string[]>;
}

const harmOf = ({ plan, observation }: Foreseen): HarmKind | undefined => {
  if (plan.chores.some(({ chore }) => chore === 'note-suspended') && observation.memory) return 'suspend';
  return plan.step && HARM_OF[plan.step.do];
};

/** Undefined where nothing is due. */
const waitsFor = ({ plan, observation }: Foreseen, { policy }: Deps): string | undefined => {
  const [row = '', refusal] = plan.row.split('/');
  if (refusal !== undefined) return NOT_DUE.has(refusal) ? undefined : (WAITS[refusal] ?? refusal);
  if (WAITS[row] !== undefined) return WAITS[row];
  const present = observation.memory?.phase === 'present' && plan.step === undefined;
  return present && !standingNow(observation, policy).known ? WAITS['facts-unknown'] : undefined;
};

const sort = (seen: readonly Foreseen[], deps: Deps): GcPlan => {
  const waiting = new Map<string, string[]>();
  for (const each of seen.filter((one) => harmOf(one) === undefined)) {
    const reason = waitsFor(each, deps);
    if (reason !== undefined) waiting.set(reason, [...(waiting.get(reason) ?? []), each.observation.name]);
  }
  const having = (kind: HarmKind, purge: boolean): readonly Uuid[] =>
    seen.filter((one) => harmOf(one) === kind && (one.plan.step?.do === 'purge') === purge).map(({ uuid }) => uuid);
  return {
    suspend: having('suspend', false),
    destroy: having('destroy', false),
    purge: having('destroy', true),
    note: seen.filter(({ plan }) => NOTED.some((refusal) => plan.row.endsWith(`/${refusal}`))).map(({ uuid }) => uuid),
    waiting,
  };
};

/** The daemon's own decision about every machine of this host, foreseen (D14). Who has just gone off is looked at again. */
export const planGc = async (deps: Deps, fleet: Fleet): Promise<GcPlan> => {
  const foresee = createForesight(deps, fleet);
  const seen = await inParallel(await fleet.survey(), WIDTH, foresee);
  if (!seen.some(({ plan }) => plan.row === 'stop-unsettled')) return sort(seen, deps);
  // A process that has just begun has seen nothing last for long (L7).
  await deps.clock.sleep(deps.policy.stopDebounceMs);
  const settled = await inParallel(seen, WIDTH, (one) =>
    one.plan.row === 'stop-unsettled' ? foresee(one.uuid) : Promise.resolve(one),
  );
  return sort(settled, deps);
};
