import { fromEvent, lastValueFrom, merge, type Observable, takeUntil, tap } from 'rxjs';
import { createDeadlines } from '../../streams/deadlines.ts';
import type { Wake } from '../../streams/wake.ts';
import type { Config } from '../config/load.ts';
import { createFleet } from '../operations/fleet.ts';
import { createReconcile } from '../operations/reconcile.ts';
import { createClockDoubt } from './clock-doubt.ts';
import type { GateKey } from './gate.ts';
import { createNarrator } from './narrator.ts';
import { pipeline } from './pipeline.ts';
import { createSemaphore } from './semaphore.ts';
import { createSources } from './sources.ts';
import type { Surroundings } from './surroundings.ts';
import { surveyed } from './surveyed.ts';
import { watchedDecisions } from './watched.ts';

/** What must have been seen before anything harmful may happen (L6); without a chain there is none to see (D12). */
export const gateKeysOf = ({ chains }: Pick<Config, 'chains'>): readonly GateKey[] =>
  chains.length > 0 ? ['chain', 'libvirt', 'records', 'snapshot'] : ['libvirt', 'records', 'snapshot'];

/** Runs streams, decision and operations on what surrounds them; resolves when the stop signal has drained them. */
export const serve = async (surroundings: Surroundings): Promise<void> => {
  const { config, deps, gate, vitals, random, stop, scheduler, missing } = surroundings;
  const { clock, log } = deps;
  const known = createFleet(deps);
  const decisions = { fleet: known, reconcile: createReconcile(deps, known), sweepEveryMs: config.sweepEveryMs };
  const { fleet, reconcile } = watchedDecisions(vitals, decisions);
  const deadlines = createDeadlines();
  const clockDoubt = createClockDoubt({ ...deps, maxClockGapMs: config.policy.maxClockGapMs });
  const narrator = createNarrator({ log, clock });
  const wakes$: Observable<Wake> = merge(...createSources({ ...surroundings, fleet, deadlines, clockDoubt })).pipe(
    takeUntil(fromEvent(stop, 'abort')),
  );

  const { onSurvey, idle } = surveyed({ deps, fleet, gate, missing });
  const looks$ = pipeline(
    {
      fleet,
      reconcile,
      deadlines,
      clock,
      log,
      narrator,
      withSlot: createSemaphore(config.maxParallelSteps),
      onSurvey,
      random,
      ...(scheduler ? { scheduler } : {}),
    },
    wakes$.pipe(tap(({ why }) => log.debug({ source: why.source, what: why.what }, 'woken'))),
  );
  // takeUntil stands on the intake: what runs ends by itself, and then the whole pipeline completes.
  await lastValueFrom(looks$, { defaultValue: undefined });
  await idle();
};
