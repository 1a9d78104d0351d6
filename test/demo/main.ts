import { writeFileSync } from 'node:fs';
import { parseArguments } from './arguments.ts';
import { createCleaner, startLaboratory } from './laboratory.ts';
import { chooseScenes, createProgramme, type Programme } from './programme.ts';
import { createStory } from './story.ts';
import { formatTable } from './table.ts';

/** The whole run is over by then, come what may. */
const WATCHDOG_MS = 600_000;
const QUIET_MS = 5000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const options = parseArguments(process.argv.slice(2));
const story = createStory(options);
const cleaner = createCleaner();
let programme: Programme | undefined;

/** Rejects when the run has to end early: by a signal or by the watchdog. */
const interrupted = (): Promise<never> =>
  new Promise((_, reject) => {
    for (const signal of SIGNALS) process.once(signal, () => reject(new Error(`interrupted by ${signal}`)));
    setTimeout(() => reject(new Error(`not over after ${WATCHDOG_MS / 1000} s`)), WATCHDOG_MS).unref();
  });

const run = async (): Promise<boolean> => {
  const lab = await startLaboratory(story, cleaner, options.keep);
  programme = createProgramme({ lab, story, scenes: chooseScenes(options.only), sabotage: options.break });
  await programme.play();
  const foreign = await lab.foreigners.verify();
  story.heading(`Two domains on the same libvirt that are not ours: ${foreign.saw}`);
  if (options.keep) story.act(`everything is kept in ${lab.directory}`);
  return foreign.ok;
};

const showTable = (): boolean => {
  const results = programme?.results() ?? [];
  if (results.length > 0) process.stdout.write(`\n${formatTable(results, process.stdout.columns ?? 150)}\n`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
  return results.length > 0 && results.every(({ ok }) => ok);
};

const main = async (): Promise<number> => {
  const startedMs = Date.now();
  const quiet = setInterval(() => {
    const waiting = programme?.pending() ?? [];
    if (story.silentForMs() > QUIET_MS)
      story.progress(waiting.length > 0 ? `waiting: ${waiting.join('; ')}` : 'at work');
  }, 1000);
  let unharmed = false;
  try {
    unharmed = await Promise.race([run(), interrupted()]);
  } catch (error) {
    process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
  }
  clearInterval(quiet);
  const endedMs = Date.now();
  await cleaner.clean();
  const held = showTable() && unharmed;
  story.end();
  const times = `${Math.round((endedMs - startedMs) / 1000)} s, cleaned up in ${Math.round((Date.now() - endedMs) / 1000)} s`;
  process.stdout.write(`\n${held ? 'All of it held' : 'NOT all of it held'}: ${times}\n`);
  return held ? 0 : 1;
};

// What is left may be timers of scenes that were cut short: nothing is waited for any more.
process.exit(await main());
