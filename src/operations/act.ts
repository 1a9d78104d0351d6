import { BlockhostError, explain } from '../domain/errors.ts';
import type { Uuid } from '../domain/identity.ts';
import type { JournalEvent } from '../domain/journal/event.ts';
import { HARM_OF, type Plan, type Step } from '../domain/plan.ts';
import type { Warrant } from '../domain/warrant/warrant.ts';
import type { Authority } from './authority.ts';
import type { Deps } from './deps.ts';
import { performStep } from './steps.ts';

/** What a step is taken for. */
export type Ground = Pick<Plan, 'row' | 'because' | 'basis'>;

/** What stands in the journal before a step is taken (L4). */
export const intentOf = (deps: Deps, uuid: Uuid, { basis }: Ground, step: Step, warrant?: Warrant): JournalEvent => {
  const harm = HARM_OF[step.do];
  // A suspension or a destroy that has begun is one decision, however many steps it takes.
  const memory = deps.journal.state().machines[uuid];
  const begun = harm === 'suspend' ? memory?.suspending !== undefined : memory?.phase !== 'present';
  return {
    kind: 'intent',
    uuid,
    step: step.do,
    basis,
    ...(harm && !begun ? { harm } : {}),
    ...(warrant ? { warrant } : {}),
  };
};

/**
 * Takes a step whose intent is in the journal, and writes its outcome there. Resolves to what went wrong, if anything did.
 * Harm wants an authority.
 */
export const act = async (
  deps: Deps,
  uuid: Uuid,
  ground: Ground,
  step: Step,
  authority?: Authority,
): Promise<unknown> => {
  const memory = deps.journal.state().machines[uuid];
  if (memory === undefined) return undefined;
  const startedMs = deps.clock.monotonicMs();
  const fields = { vm: memory.name, uuid, step: step.do, row: ground.row };
  let failure: unknown;
  try {
    await performStep(deps, memory, step, authority);
  } catch (error) {
    failure = error;
  }
  const durationMs = Math.round(deps.clock.monotonicMs() - startedMs);
  if (failure === undefined) {
    await deps.journal.append([{ kind: 'outcome', uuid, step: step.do, ok: true, durationMs }]);
    deps.log.info(
      { ...fields, durationMs, args: step, because: ground.because, block: ground.basis.blockNumber },
      'step done',
    );
    return undefined;
  }
  const curable = failure instanceof BlockhostError ? failure.retryable : true;
  await deps.journal.append([
    { kind: 'outcome', uuid, step: step.do, ok: false, durationMs, error: explain(failure), curable },
  ]);
  deps.log[curable ? 'warn' : 'error']({ ...fields, durationMs, err: failure }, 'step failed');
  return failure;
};
