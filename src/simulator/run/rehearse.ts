import { randomInt } from 'node:crypto';
import { isMainThread, workerData } from 'node:worker_threads';
import type { Clock } from '../../ports/clock.ts';
import { type Played, play } from '../play/play.ts';
import { shrink } from '../play/shrink.ts';
import { generate } from '../scenario/generate.ts';
import { readScenario } from '../scenario/read-scenario.ts';
import { LONGEST_HISTORY_MS, type Rehearsal, rehearsed, underPolicy } from '../scenario/rehearsed.ts';
import type { Scenario } from '../scenario/schema.ts';
import { playMany } from './many.ts';
import { type Report, work } from './worker.ts';

/** Which histories an operator wants to see. */
export type Wanted =
  | { readonly kind: 'seed'; readonly seed: number }
  | { readonly kind: 'scenario'; readonly file: string; readonly text: string }
  | { readonly kind: 'many'; readonly histories: number; readonly forMs: number };

export interface Voice {
  readonly clock: Clock;
  readonly stop: AbortSignal;
  readonly out: (line: string) => void;
  readonly tell: (line: string) => void;
}

const SHRINK_MS = 60_000;
const PROGRESS_MS = 10_000;
/** The end of a story is what explains it. */
const STORY_LINES = 40;

const summary = (histories: number, days: number, broken: number): string =>
  `${histories} ${histories === 1 ? 'history' : 'histories'}, ${days.toFixed(1)} machine-days: ${broken === 0 ? 'nothing broken' : `${broken} broken`}`;

const tellPlayed = ({ story, violations, machineDays }: Played, { out }: Voice): number => {
  for (const line of story) out(line);
  for (const { invariant, what } of violations) out(`BROKEN ${invariant}: ${what}`);
  out(summary(1, machineDays, violations.length > 0 ? 1 : 0));
  return violations.length > 0 ? 1 : 0;
};

/** As short as it gets in a minute, and of that the end. */
const tellShortest = async (scenario: Scenario, invariant: string, { clock, stop, out }: Voice): Promise<void> => {
  const untilMs = clock.monotonicMs() + SHRINK_MS;
  const shortest = await shrink(scenario, invariant, () => clock.monotonicMs() < untilMs && !stop.aborted);
  const { story } = await play(shortest.scenario, { story: true });
  if (story.length > STORY_LINES) out(`(${story.length - STORY_LINES} lines before these)`);
  for (const line of story.slice(-STORY_LINES)) out(line);
};

function* freshSeeds(): Generator<number> {
  for (;;) yield randomInt(0xffff_ffff);
}

const whenAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

const many = async (
  { histories, forMs }: Extract<Wanted, { kind: 'many' }>,
  rehearsal: Rehearsal,
  voice: Voice,
): Promise<number> => {
  const { clock, stop, out, tell } = voice;
  const startMs = clock.monotonicMs();
  const broken: Report[] = [];
  let [begun, played, days, toldMs] = [0, 0, 0, startMs];
  const playing = playMany({
    program: new URL(import.meta.url),
    workerData: { rehearsal },
    seeds: freshSeeds(),
    goesOn: () => {
      begun += 1;
      return begun <= histories && clock.monotonicMs() - startMs < forMs;
    },
    onReport: (report) => {
      played += 1;
      days += report.machineDays;
      if (report.broken) broken.push(report);
      if (clock.monotonicMs() - toldMs < PROGRESS_MS) return;
      toldMs = clock.monotonicMs();
      tell(summary(played, days, broken.length));
    },
  });
  // A history that has begun may take a while, and whoever interrupts does not want to wait for it.
  await Promise.race([playing, whenAborted(stop)]);
  out(summary(played, days, broken.length));
  const [first] = broken;
  if (first?.broken) {
    out(`seed ${first.seed} breaks ${first.broken.invariant}: ${first.broken.what}`);
    await tellShortest(rehearsed(generate(first.seed), rehearsal), first.broken.invariant, voice);
  }
  return broken.length > 0 || stop.aborted ? 1 : 0;
};

/** Plays what is wanted under the operator's policy, on models alone; resolves to the exit code, 1 where something broke. */
export const rehearse = async (wanted: Wanted, rehearsal: Rehearsal, voice: Voice): Promise<number> => {
  const { graceMs, quarantineMs } = rehearsal.policy;
  if (graceMs + quarantineMs > LONGEST_HISTORY_MS)
    voice.tell(
      'grace and quarantine together are longer than the 60 days that a history lasts: no end of them is played',
    );
  switch (wanted.kind) {
    case 'seed':
      return tellPlayed(await play(rehearsed(generate(wanted.seed), rehearsal), { story: true }), voice);
    case 'scenario': {
      const scenario = underPolicy(readScenario(wanted.file, wanted.text), rehearsal);
      return tellPlayed(await play(scenario, { story: true }), voice);
    }
    case 'many':
      return many(wanted, rehearsal, voice);
  }
};

const isRehearsal = (data: unknown): data is { readonly rehearsal: Rehearsal } =>
  typeof data === 'object' && data !== null && 'rehearsal' in data;

// This file is what its own threads run, wherever a bundle has put it.
if (!isMainThread && isRehearsal(workerData)) {
  const { rehearsal } = workerData;
  work((seed) => rehearsed(generate(seed), rehearsal));
}
