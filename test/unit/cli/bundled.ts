import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { build } from 'esbuild';
import { repositoryPath } from '../../lab/repository.ts';

/** What a process printed, and how it ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Bundles one entry point of the repository, or a text that imports from it, into `directory`; returns the program's path. */
export const bundle = async (
  directory: string,
  entry: { readonly path: string } | { readonly text: string },
): Promise<string> => {
  const outfile = join(directory, 'program.mjs');
  await build({
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node18',
    logLevel: 'error',
    outfile,
    absWorkingDir: repositoryPath('.'),
    banner: {
      js: "import { createRequire as createRequireOfBundle } from 'node:module';\nconst require = createRequireOfBundle(import.meta.url);",
    },
    ...('path' in entry
      ? { entryPoints: [repositoryPath(entry.path)] }
      : { stdin: { contents: entry.text, resolveDir: repositoryPath('.'), loader: 'ts' } }),
  });
  return outfile;
};

/** Runs a bundled program to its end. */
export const run = (
  program: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(process.execPath, [program, ...argv], { env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr });
    });
  });
