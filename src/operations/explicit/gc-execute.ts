import { explain } from '../../domain/errors.ts';
import type { Uuid } from '../../domain/identity.ts';
import { HARM_OF, type Step } from '../../domain/plan.ts';
import { inParallel } from '../in-parallel.ts';
import { createReconcile, type Reconcile, type Round } from '../reconcile.ts';
import type { Explicit } from './context.ts';
import type { GcPlan } from './gc-plan.ts';

/** A run ends after this long, whatever is still on its way: the daemon, or the next run, goes on where it was. */
const RUN_MS = 600_000;
const LOOK_AGAIN_MS = 1000;
/** One look after another, for the sake of a guest that answers at once, and no sooner. */
const LOOK_AT_LEAST_MS = 100;

interface Unfinished {
  readonly uuid: Uuid;
  readonly name: string;
  readonly because: string;
}

/** Still going down, or paid for while it was, or a step is to be tried again: there is something to see soon. */
const isUnderWay = ({ plan, observation }: Round, phase: Phase): boolean => {
  if (plan.row === 'backing-off') return true;
  return phase === 'suspend' && (observation.memory?.suspending !== undefined || plan.row === 'stop-unsettled');
};

type Phase = 'suspend' | 'destroy';

const drive = async (
  ctx: Explicit,
  reconcile: Reconcile,
  phase: Phase,
  candidates: readonly Uuid[],
  width: number,
): Promise<readonly Unfinished[]> => {
  const { deps, stop } = ctx;
  const untilMs = deps.clock.monotonicMs() + RUN_MS;
  let left = candidates.map((uuid): Unfinished => ({ uuid, name: uuid, because: 'not looked at yet' }));
  const failed: Unfinished[] = [];

  const look = async ({ uuid, name }: Unfinished): Promise<Unfinished | undefined> => {
    try {
      const round = await reconcile(uuid, ({ plan, observation }) => {
        if (plan.step) ctx.warn(`${observation.name}: ${plan.step.do} (${plan.because})`);
      });
      if (round === undefined || !(round.acted || isUnderWay(round, phase))) {
        if (round?.plan.row === 'parked')
          failed.push({ uuid, name: round.observation.name, because: round.plan.because });
        return undefined;
      }
      return { uuid, name: round.observation.name, because: round.plan.because };
    } catch (error) {
      return { uuid, name: deps.journal.state().machines[uuid]?.name ?? name, because: explain(error) };
    }
  };

  while (left.length > 0 && deps.clock.monotonicMs() < untilMs && !stop.aborted) {
    const startedMs = deps.clock.monotonicMs();
    left = (await inParallel(left, width, look)).filter((one) => one !== undefined);
    const spentMs = deps.clock.monotonicMs() - startedMs;
    const pauseMs = Math.max(LOOK_AT_LEAST_MS, Math.min(LOOK_AGAIN_MS, deps.policy.stopDebounceMs) - spentMs);
    if (left.length > 0) await deps.clock.sleep(pauseMs, stop).catch(() => undefined);
  }
  return [...failed, ...left];
};

/**
 * Carries out what was planned, each phase to its end, with the daemon's own reconcile: what is done is decided again
 * under the machine's lock, from facts read then. Who is suspended in this run is not destroyed in it, because the second
 * phase knows only those who were due before. A payment on the way is heeded: what this run took, it gives back.
 */
export const executeGc = async (ctx: Explicit, plan: GcPlan, width: number): Promise<readonly Unfinished[]> => {
  const suspend = new Set(plan.suspend);
  const destroy = new Set([...plan.destroy, ...plan.purge]);
  const mayDo = (uuid: Uuid, step: Step): boolean => {
    const harm = HARM_OF[step.do];
    if (harm === undefined) return suspend.has(uuid) || destroy.has(uuid);
    return (harm === 'suspend' ? suspend : destroy).has(uuid);
  };
  const reconcile = createReconcile(ctx.deps, ctx.fleet, { mayDo });
  const unfinished: Unfinished[] = [];
  for (const [phase, machines] of [
    ['suspend', plan.suspend],
    ['destroy', [...plan.destroy, ...plan.purge, ...plan.note]],
  ] as const) {
    unfinished.push(...(await drive(ctx, reconcile, phase, machines, width)));
  }
  return unfinished;
};
