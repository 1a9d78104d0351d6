import { randomInt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { createSystemClock } from '../../drivers/clock/system-clock.ts';
import { play } from '../play/play.ts';
import { shrink } from '../play/shrink.ts';
import { generate } from '../scenario/generate.ts';
import { readScenario } from '../scenario/read-scenario.ts';
import type { Scenario } from '../scenario/schema.ts';
import { HELP, readArguments } from './arguments.ts';
import { campaignNames, runCampaigns } from './campaigns.ts';
import { coverageTable } from './coverage-table.ts';
import { playMany } from './many.ts';
import { type Report, work } from './worker.ts';

const out = (text: string): void => void process.stdout.write(`${text}\n`);
const err = (text: string): void => void process.stderr.write(`${text}\n`);

const clock = createSystemClock();
const SHRINK_MS = 120_000;
const PROGRESS_MS = 10_000;

/** Tells a history; 1 where it breaks something. */
const tell = async (scenario: Scenario): Promise<number> => {
  const { story, violations, machineDays } = await play(scenario, { story: true });
  for (const line of story) out(line);
  for (const { invariant, what } of violations) out(`BROKEN ${invariant}: ${what}`);
  out(`${machineDays.toFixed(1)} machine-days, ${violations.length} violations`);
  return violations.length > 0 ? 1 : 0;
};

const tellShortest = async ({ seed, broken }: Report): Promise<void> => {
  if (!broken) return;
  const untilMs = clock.monotonicMs() + SHRINK_MS;
  const { scenario, plays } = await shrink(generate(seed), broken.invariant, () => clock.monotonicMs() < untilMs);
  const file = `sim-${seed}.json`;
  writeFileSync(file, `${JSON.stringify(scenario, null, 1)}\n`);
  out(
    `\nseed ${seed} breaks ${broken.invariant}: ${scenario.acts.length} acts are left after ${plays} plays (${file})`,
  );
  await tell(scenario);
};

/** Fresh seeds, or those from a number on. */
function* seedsFrom(from: number | undefined): Generator<number> {
  for (let seed = from; ; ) {
    yield seed ?? randomInt(0xffff_ffff);
    if (seed !== undefined) seed += 1;
  }
}

const many = async (from: number | undefined, histories: number, forMs: number | undefined): Promise<number> => {
  const startMs = clock.monotonicMs();
  const counts = new Map<string, number>();
  const broken: Report[] = [];
  let begun = 0;
  let played = 0;
  let days = 0;
  let toldMs = startMs;
  await playMany({
    program: new URL(import.meta.url),
    seeds: seedsFrom(from),
    goesOn: () => {
      begun += 1;
      return begun <= histories && (forMs === undefined || clock.monotonicMs() - startMs < forMs);
    },
    onReport: (report) => {
      played += 1;
      days += report.machineDays;
      for (const [key, count] of report.coverage) counts.set(key, (counts.get(key) ?? 0) + count);
      if (report.broken) broken.push(report);
      if (report.broken) err(`seed ${report.seed} breaks ${report.broken.invariant}: ${report.broken.what}`);
      if (clock.monotonicMs() - toldMs < PROGRESS_MS) return;
      toldMs = clock.monotonicMs();
      err(`${played} histories, ${Math.round(days)} machine-days, ${broken.length} broken`);
    },
  });
  const seconds = ((clock.monotonicMs() - startMs) / 1000).toFixed(0);
  out(coverageTable(counts));
  out(`${played} histories, ${Math.round(days)} machine-days, ${seconds} s, ${broken.length} broken`);
  const kinds = new Map(broken.map((report) => [report.broken?.invariant, report]));
  for (const report of kinds.values()) await tellShortest(report);
  return broken.length > 0 ? 1 : 0;
};

const main = async (argv: readonly string[]): Promise<number> => {
  const asked = readArguments(argv, campaignNames());
  switch (asked.kind) {
    case 'help':
      out(HELP);
      return 0;
    case 'wrong':
      err(asked.why);
      return 1;
    case 'scenario':
      return tell(readScenario(asked.file, readFileSync(asked.file, 'utf8')));
    case 'seed':
      return tell(generate(asked.seed));
    case 'campaign':
      return runCampaigns(asked.name, {
        clock,
        out,
        histories: asked.histories,
        forMs: asked.forMs,
        seed: asked.from ?? 1,
      });
    case 'many':
      return many(asked.from, asked.histories, asked.forMs);
  }
};

Error.stackTraceLimit = 0;
if (isMainThread) process.exitCode = await main(process.argv.slice(2));
else work();
