import { randomInt } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { execa } from 'execa';
import fc from 'fast-check';
import { repositoryPath } from '../lab/repository.ts';

/** Chooses the points where FULL=1 does not take them all; a failure names it. */
export const CRASH_SEED = Number(process.env.CRASH_SEED ?? randomInt(2 ** 31));

/** A process of the tests, bundled: a start of it costs no compiler. */
export interface CommandProcess {
  /** argv: what the process wants, among it before or after which of its effects it kills itself. */
  run(argv: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>;
  remove(): Promise<void>;
}

interface Ended {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Bundles the process, `command-process.ts` unless told, once for a whole file of tests. */
export const buildCommandProcess = async (source = 'command-process.ts'): Promise<CommandProcess> => {
  const directory = await mkdtemp(join(tmpdir(), 'command-process-'));
  const program = join(directory, 'process.mjs');
  const entryPoints = [repositoryPath(`test/integration/${source}`)];
  // What comes as CommonJS asks for Node's own modules in its own way.
  const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" };
  await build({ entryPoints, outfile: program, bundle: true, platform: 'node', format: 'esm', banner });
  return {
    run: async (argv, env = {}) => {
      const options = { reject: false, timeout: 400_000, env } as const;
      const { exitCode, signal, stdout, stderr } = await execa(process.execPath, [program, ...argv], options);
      return { exitCode, signal, stdout, stderr };
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
};

/** What the only process that has left a trace in this directory did, in its order. */
export const traceIn = async (dir: string): Promise<readonly string[]> => {
  const [file = ''] = (await readdir(dir)).filter((name) => name.startsWith('trace-'));
  return (await readFile(join(dir, file), 'utf8')).trim().split('\n');
};

/** So many of all points, drawn by the seed; with FULL=1 all of them, in order. */
export const sampleOf = <T>(every: readonly T[], size: number): readonly T[] =>
  process.env.FULL
    ? every
    : (fc
        .sample(fc.shuffledSubarray([...every], { minLength: size }), { numRuns: 1, seed: CRASH_SEED })[0]
        ?.slice(0, size) ?? []);
