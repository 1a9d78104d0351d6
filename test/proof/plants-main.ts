import { verdictOn, withPlanting } from './planted.ts';
import { PLANTS } from './plants.ts';

/* `npm run plants`: first of all the same seeds run without any fault: there nothing may break. */

const HELP = `Plants faults in copies of the code, one at a time, and lets the simulator find them.

  npm run plants                    all of them, a minute each at most
  npm run plants -- --for 5m        so long each at most
  npm run plants -- --only paid     those whose name holds this text

Exit status: 0 when all were caught and nothing broke without one, 1 otherwise.
`;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Ends the child and lets what was begun be cleaned up. */
const untilInterrupted = (): AbortSignal => {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
};

const main = async (argv: readonly string[]): Promise<number> => {
  const options = new Map<string, string>();
  for (let at = 0; at < argv.length; at += 2) {
    const [flag = '', value] = [argv[at], argv[at + 1]];
    if (!['--for', '--only'].includes(flag) || value === undefined) {
      (flag === '--help' ? process.stdout : process.stderr).write(
        flag === '--help' ? HELP : `${flag} is not understood; --help shows what is\n`,
      );
      return flag === '--help' ? 0 : 1;
    }
    options.set(flag, value);
  }
  const forText = options.get('--for') ?? '1m';
  const chosen = PLANTS.filter(({ name }) => name.includes(options.get('--only') ?? ''));
  const signal = untilInterrupted();
  const failed = await withPlanting({ forText, signal }, async (plant) => {
    const clean = await plant([]);
    say(
      clean === undefined
        ? `nothing planted: nothing broken in ${forText}`
        : `NOTHING PLANTED, and seed ${clean.seed} breaks ${clean.invariant}`,
    );
    let missed = clean === undefined ? 0 : 1;
    for (const one of chosen) {
      if (signal.aborted) return missed + 1;
      const caught = await plant(one.edits);
      if (caught === undefined) missed += 1;
      say(verdictOn(one, caught, forText));
    }
    return missed;
  });
  return failed === 0 ? 0 : 1;
};

process.exitCode = await main(process.argv.slice(2));
