import { of, Subject } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createNarrator } from '../../../src/daemon/narrator.ts';
import { type PipelineDeps, pipeline } from '../../../src/daemon/pipeline.ts';
import { createSemaphore } from '../../../src/daemon/semaphore.ts';
import { HypervisorError } from '../../../src/domain/errors.ts';
import type { Round } from '../../../src/operations/reconcile.ts';
import { createVirtualClock } from '../../../src/simulator/time/virtual-clock.ts';
import { createDeadlines } from '../../../streams/deadlines.ts';
import type { Wake } from '../../../streams/wake.ts';
import { createModelLog } from '../../models/model-log.ts';

const why = { source: 'operator', what: 'test', seenAtUnixMs: 0 } as const;
const machine = (uuid: string): Wake => ({ target: { kind: 'machine', uuid }, why });
const ALL: Wake = { target: { kind: 'all' }, why };
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const lastRound = (lookAgainAtUnixMs?: number, acted = false): Round =>
  ({
    plan: {
      row: 'goes-on',
      because: '',
      chores: [],
      ...(lookAgainAtUnixMs === undefined ? {} : { lookAgainAtUnixMs }),
    },
    acted,
  }) as unknown as Round;

interface Look {
  readonly uuid: string;
  end(round?: Round): Promise<void>;
  fail(error: Error): Promise<void>;
}

const build = (slots: number, fleet: readonly string[] = []) => {
  const clock = createVirtualClock();
  const log = createModelLog();
  const deadlines = createDeadlines();
  const wakes$ = new Subject<Wake>();
  const looks: Look[] = [];
  const working = new Map<string, number>();
  const most = { perMachine: 0, together: 0 };
  const survey = { machines: fleet, error: undefined as Error | undefined, count: 0 };
  const said = { completed: false, error: undefined as unknown };
  const count = (uuid: string, by: number): void => {
    working.set(uuid, (working.get(uuid) ?? 0) + by);
    const all = [...working.values()];
    most.perMachine = Math.max(most.perMachine, ...all);
    most.together = Math.max(
      most.together,
      all.reduce((sum, each) => sum + each, 0),
    );
  };
  const deps = {
    fleet: {
      survey: async () => {
        survey.count += 1;
        if (survey.error) throw survey.error;
        return survey.machines;
      },
    },
    reconcile: (uuid: string) => {
      count(uuid, 1);
      return new Promise<Round>((resolve, reject) => {
        const ended = (): Promise<void> => {
          count(uuid, -1);
          return settled();
        };
        looks.push({
          uuid,
          end: (round = lastRound()) => {
            resolve(round);
            return ended();
          },
          fail: (error) => {
            reject(error);
            return ended();
          },
        });
      });
    },
    deadlines,
    clock,
    log,
    narrator: createNarrator({ log, clock }),
    withSlot: createSemaphore(slots),
    onSurvey: async () => undefined,
    random: () => 0.5,
  } as unknown as PipelineDeps;
  const subscription = pipeline(deps, wakes$).subscribe({
    complete: () => {
      said.completed = true;
    },
    error: (error: unknown) => {
      said.error = error;
    },
  });
  const look = (index: number): Look => {
    const found = looks[index];
    if (!found) throw new Error(`no look ${index}`);
    return found;
  };
  return { clock, log, deadlines, wakes$, looks, look, most, survey, said, deps, subscription };
};

describe('the pipeline', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('never works on one machine twice at once, and looks once more for all that came meanwhile (L2)', async () => {
    const { wakes$, looks, look, most } = build(8);
    for (let count = 0; count < 5; count += 1) wakes$.next(machine('a'));
    await settled();
    expect(looks).toHaveLength(1);
    await look(0).end();
    expect(looks).toHaveLength(2);
    await look(1).end();
    expect(looks).toHaveLength(2);
    expect(most.perMachine).toBe(1);
  });

  it('works on many machines at once, up to the cap, and on all of them in the end (L2)', async () => {
    const uuids = Array.from({ length: 40 }, (_, index) => `machine-${index}`);
    const { wakes$, looks, most } = build(7, uuids);
    wakes$.next(ALL);
    await settled();
    expect(looks).toHaveLength(7);
    for (let done = 0; done < looks.length; done += 1) await looks[done]?.end();
    expect(looks.map(({ uuid }) => uuid).sort()).toEqual([...uuids].sort());
    expect(most).toEqual({ perMachine: 1, together: 7 });
  });

  it('looks at a machine again after a look at it failed: no error leaves a group dead (L8)', async () => {
    const { wakes$, looks, look, deadlines, clock, log, said } = build(1);
    wakes$.next(machine('a'));
    await look(0).fail(new HypervisorError('away', { code: 'x', retryable: true }));
    expect(deadlines.earliestUnixMs()).toBeGreaterThan(clock.nowUnixMs());
    wakes$.next(machine('a'));
    wakes$.next(machine('b'));
    expect(looks).toHaveLength(2);
    await look(1).end();
    expect(looks.map(({ uuid }) => uuid)).toEqual(['a', 'a', 'b']);
    expect(log.lines.map(({ message }) => message)).toEqual(['look failed']);
    expect(said.error).toBeUndefined();
  });

  it('gives its slot back when a look fails', async () => {
    const { wakes$, looks, look } = build(1);
    for (const uuid of ['a', 'b', 'c']) wakes$.next(machine(uuid));
    await settled();
    await look(0).fail(new Error('defect'));
    await look(1).fail(new Error('defect'));
    expect(looks.map(({ uuid }) => uuid)).toEqual(['a', 'b', 'c']);
  });

  it('sets the deadline that a plan asks for, takes it back when a plan asks for none, and looks soon after it acted for long', async () => {
    const { wakes$, look, deadlines, clock } = build(1);
    const now = clock.nowUnixMs();
    wakes$.next(machine('a'));
    await settled();
    await look(0).end(lastRound(now + 9000));
    expect(deadlines.earliestUnixMs()).toBe(now + 9000);
    wakes$.next(machine('a'));
    await settled();
    await look(1).end(lastRound(now - 9000));
    expect(deadlines.earliestUnixMs()).toBe(now + 50);
    wakes$.next(machine('a'));
    await settled();
    await look(2).end(lastRound());
    expect(deadlines.earliestUnixMs()).toBeUndefined();
    wakes$.next(machine('a'));
    await settled();
    await look(3).end(lastRound(now + 90_000, true));
    expect(deadlines.earliestUnixMs()).toBe(now + 5000);
  });

  it('survives a survey that fails, tells it once, and surveys again at the next wake (L12)', async () => {
    const { wakes$, looks, survey, log, said } = build(1, ['a']);
    survey.error = new HypervisorError('no connection', { code: 'x', retryable: true });
    wakes$.next(ALL);
    wakes$.next(ALL);
    await settled();
    expect(looks).toHaveLength(0);
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    survey.error = undefined;
    wakes$.next(ALL);
    await settled();
    expect(looks.map(({ uuid }) => uuid)).toEqual(['a']);
    expect(said.error).toBeUndefined();
  });

  it('drains when its intake ends: what runs ends by itself, what only waits does not begin any more', async () => {
    const { wakes$, looks, look, said } = build(2);
    for (const uuid of ['a', 'b', 'c', 'd', 'a']) wakes$.next(machine(uuid));
    await settled();
    wakes$.complete();
    await look(0).end();
    expect(said.completed).toBe(false);
    await look(1).end();
    await settled();
    expect(looks.map(({ uuid }) => uuid)).toEqual(['a', 'b']);
    expect(said.completed).toBe(true);
  });

  it('still looks at what a finite intake asked for at once', async () => {
    const { deps, looks } = build(2);
    const seen: string[] = [];
    pipeline(deps, of(machine('a'))).subscribe({ complete: () => seen.push('complete') });
    await settled();
    await looks[0]?.end();
    expect(looks.map(({ uuid }) => uuid)).toEqual(['a']);
    expect(seen).toEqual(['complete']);
  });

  it('does not work on a machine twice at once though a look takes longer than a group lives', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    const { wakes$, looks, look, most } = build(8);
    wakes$.next(machine('a'));
    await settled();
    vi.advanceTimersByTime(11 * 60_000);
    wakes$.next(machine('a'));
    await settled();
    expect(most.perMachine).toBe(1);
    await look(0).end();
    expect(looks).toHaveLength(2);
    await look(1).end();
    expect(most.perMachine).toBe(1);
  });

  it('forgets groups of machines that nobody wakes, and takes them up again', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    const { wakes$, looks, look } = build(8);
    wakes$.next(machine('a'));
    await look(0).end();
    vi.advanceTimersByTime(11 * 60_000);
    wakes$.next(machine('a'));
    await settled();
    expect(looks).toHaveLength(2);
  });
});
