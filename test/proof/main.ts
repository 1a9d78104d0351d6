import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { repositoryPath } from '../lab/repository.ts';
import { bundleWith } from './bundle-with.ts';
import { PLANTS, type Plant } from './plants.ts';

/*
 * Can the simulator see? Each planted fault runs alone, on the same seeds, through the unchanged harness, until an invariant
 * breaks or its time is over. First of all the same seeds run without any: there nothing may break.
 */

const HELP = `Plants faults in copies of the code, one at a time, and lets the simulator find them.

  npm run plants                    all of them, a minute each at most
  npm run plants -- --for 5m        so long each at most
  npm run plants -- --only paid     those whose name holds this text

Exit status: 0 when all were caught and nothing broke without one, 1 otherwise.
`;

interface Caught {
  readonly invariant: string;
  readonly seed: number;
}

const FROM = 1;
const BREAKS = /^seed (\d+) breaks ([a-z-]+):/;

/** Runs the simulator until the first break; undefined where there is none in time. */
const runUntilBroken = async (program: string, forText: string): Promise<Caught | undefined> => {
  const child = execa(process.execPath, [program, '--from', String(FROM), '--for', forText], {
    reject: false,
    stdout: 'ignore',
    stdin: 'ignore',
  });
  for await (const line of child.iterable({ from: 'stderr' })) {
    const found = BREAKS.exec(String(line));
    if (found === null) continue;
    child.kill('SIGKILL');
    return { invariant: found[2] ?? '', seed: Number(found[1]) };
  }
  return undefined;
};

const tryPlant = async ({ edits }: Pick<Plant, 'edits'>, forText: string, directory: string) => {
  const program = join(directory, 'planted.mjs');
  await bundleWith(edits, program);
  return runUntilBroken(program, forText);
};

const say = (text: string): void => void process.stdout.write(`${text}\n`);

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
  const directory = repositoryPath('dist/proof');
  await mkdir(directory, { recursive: true });
  let failed = 0;
  try {
    const clean = await tryPlant({ edits: [] }, forText, directory);
    if (clean !== undefined) failed += 1;
    say(
      clean === undefined
        ? `nothing planted: nothing broken in ${forText}`
        : `NOTHING PLANTED, and seed ${clean.seed} breaks ${clean.invariant}`,
    );
    for (const plant of chosen) {
      const caught = await tryPlant(plant, forText, directory);
      if (caught === undefined) failed += 1;
      const how =
        caught === undefined
          ? `NOT caught in ${forText}`
          : `caught by ${caught.invariant}, history ${caught.seed - FROM + 1}`;
      say(`${plant.name} (${plant.rules}): ${how}`);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return failed === 0 ? 0 : 1;
};

process.exitCode = await main(process.argv.slice(2));
