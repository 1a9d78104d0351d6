import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { execa } from 'execa';
import { repositoryPath } from './repository.ts';

/** How a program ended, and every byte that it printed. */
export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly cwd: string;
  /** On top of PATH, and nothing else of ours. */
  readonly env: Readonly<Record<string, string>>;
}

/** Builds the executables that ship, in `dist/bin`. */
export async function buildPrograms(): Promise<void> {
  await execa(process.execPath, [repositoryPath('debian/bundle.mjs')]);
}

/** Runs one of them as a process of its own, without input, to its end. */
export async function runProgram(name: string, argv: readonly string[], where: Surroundings): Promise<Ended> {
  const child = spawn(process.execPath, [repositoryPath('dist/bin', `${name}.mjs`), ...argv], {
    cwd: where.cwd,
    env: { PATH: process.env.PATH ?? '', ...where.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { exitCode: child.exitCode, stdout, stderr };
}
