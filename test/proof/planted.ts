import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { repositoryPath } from '../lab/repository.ts';
import { bundleWith } from './bundle-with.ts';
import type { Edit, Plant } from './plants.ts';

/*
 * Can the simulator see? Each planted fault runs alone, on the same seeds, through the unchanged harness, until an invariant
 * breaks or its time is over.
 */

export interface Caught {
  readonly invariant: string;
  /** How many histories it took. */
  readonly histories: number;
  readonly seed: number;
}

const FROM = 1;
const BREAKS = /^seed (\d+) breaks ([a-z-]+):/;

/** Runs the simulator until the first break; undefined where there is none in time. */
const runUntilBroken = async (program: string, forText: string, signal: AbortSignal): Promise<Caught | undefined> => {
  const child = execa(process.execPath, [program, '--from', String(FROM), '--for', forText], {
    reject: false,
    stdout: 'ignore',
    stdin: 'ignore',
    cancelSignal: signal,
  });
  for await (const line of child.iterable({ from: 'stderr' })) {
    const found = BREAKS.exec(String(line));
    if (found === null) continue;
    child.kill('SIGKILL');
    const seed = Number(found[1]);
    return { invariant: found[2] ?? '', seed, histories: seed - FROM + 1 };
  }
  return undefined;
};

export interface PlantingOptions {
  /** How long each may take at most, as `--for` reads it. */
  readonly forText: string;
  readonly signal: AbortSignal;
}

/** Plants faults one after the other; `plant` resolves to what saw it. Cleans up behind itself. */
export const withPlanting = async <T>(
  { forText, signal }: PlantingOptions,
  work: (plant: (edits: readonly Edit[]) => Promise<Caught | undefined>) => Promise<T>,
): Promise<T> => {
  await mkdir(repositoryPath('dist'), { recursive: true });
  const directory = await mkdtemp(repositoryPath('dist/planted-'));
  try {
    return await work(async (edits) => {
      const program = join(directory, 'planted.mjs');
      await bundleWith(edits, program);
      return runUntilBroken(program, forText, signal);
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};

/** One line about one plant. */
export const verdictOn = ({ name, rules }: Plant, caught: Caught | undefined, forText: string): string =>
  caught === undefined
    ? `${name} (${rules}): NOT caught in ${forText}`
    : `${name} (${rules}): caught by ${caught.invariant}, history ${caught.histories}`;
