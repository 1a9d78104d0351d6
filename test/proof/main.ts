import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCleaner } from '../demo/laboratory.ts';
import { HELP, readArguments } from './arguments.ts';
import { PLANTS } from './plants.ts';
import type { Occasion, Row } from './row.ts';
import { killProcesses } from './rows-killed.ts';
import { catchPlants, samplePlants } from './rows-planted.ts';
import { playHistories } from './rows-simulated.ts';
import { soak } from './soak/soak.ts';
import { formatProof, holds } from './table.ts';

/* `npm run proof`: one table of what was shown. */

const SIMULATED_FOR = '90s';
const PLANT_FOR = { sample: '40s', all: '1m' } as const;
const SAMPLED_PLANTS = 3;
const SOAK_MS = 120_000;
const ENDS_WITHIN_MS = 15_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const out = (text: string): void => void process.stdout.write(`${text}\n`);
const err = (text: string): void => void process.stderr.write(`${text}\n`);

const cleaner = createCleaner();
const controller = new AbortController();

/** Rejects when somebody wants the run to end. */
const interrupted = (): Promise<never> =>
  new Promise((_, reject) => {
    for (const name of SIGNALS)
      process.once(name, () => {
        controller.abort();
        reject(new Error(`interrupted by ${name}`));
      });
  });

const main = async (argv: readonly string[]): Promise<number> => {
  const asked = readArguments(argv);
  if (asked.kind === 'help') out(HELP);
  if (asked.kind === 'wrong') err(asked.why);
  if (asked.kind !== 'proof') return asked.kind === 'help' ? 0 : 1;
  const { allPlants, soakMs, sabotaged, seed = randomInt(1_000_000_000) } = asked;
  const occasion: Occasion = { seed, progress: err, signal: controller.signal };
  const beganMs = performance.now();
  const rows: Row[] = [];
  /** What was cut short has shown nothing. */
  const part = async (title: string, work: () => Promise<readonly Row[]>): Promise<void> => {
    err(title);
    const made = await work();
    controller.signal.throwIfAborted();
    rows.push(...made);
  };
  const run = async (): Promise<void> => {
    const soaking = { ...occasion, sabotaged, cleaner };
    if (soakMs !== undefined) {
      rows.push(await soak({ ...soaking, forMs: soakMs }));
      return;
    }
    const plants = allPlants ? PLANTS : samplePlants(seed, SAMPLED_PLANTS);
    const plantFor = PLANT_FOR[allPlants ? 'all' : 'sample'];
    await part(`histories, for ${SIMULATED_FOR}`, () => playHistories(occasion, SIMULATED_FOR));
    await part(`planting ${plants.length} faults`, async () => [await catchPlants(occasion, plants, plantFor)]);
    await part('killing processes', () => killProcesses(occasion));
    rows.push(await soak({ ...soaking, forMs: SOAK_MS }));
  };
  err(`seed ${seed}`);
  let whole = true;
  const running = run();
  try {
    await Promise.race([running, interrupted()]);
  } catch (error) {
    whole = false;
    err(error instanceof Error ? error.message : String(error));
  }
  // What was begun cleans up behind itself, as far as it does so in time.
  controller.abort();
  await Promise.race([running.catch(() => undefined), sleep(ENDS_WITHIN_MS)]);
  await cleaner.clean();
  out(`\n${formatProof(rows)}\n`);
  const held = whole && holds(rows);
  const seconds = Math.round((performance.now() - beganMs) / 1000);
  out(`${held ? 'All of it held' : 'NOT all of it held'}: ${seconds} s, seed ${seed}`);
  return held ? 0 : 1;
};

// What is left may be timers of parts that were cut short: nothing is waited for any more.
process.exit(await main(process.argv.slice(2)));
