import { readFile } from 'node:fs/promises';
import { build } from 'esbuild';
import { repositoryPath } from '../lab/repository.ts';
import type { Edit } from './plants.ts';

const CODE = /[\\/](src|streams)[\\/].*\.ts$/;

/** A file with its edits; throws where one does not stand there exactly once: the code has changed, and the fault with it. */
export const edited = (file: string, text: string, edits: readonly Edit[]): string =>
  edits.reduce((now, { find, put }) => {
    const parts = now.split(find);
    if (parts.length !== 2) throw new Error(`${file} has "${find.trim()}" ${parts.length - 1} times`);
    return parts.join(put);
  }, text);

/** Bundles the simulator with the edits in it; nothing in the repository is changed. It finds its packages from there. */
export const bundleWith = async (edits: readonly Edit[], outfile: string): Promise<void> => {
  await build({
    absWorkingDir: repositoryPath('.'),
    entryPoints: [repositoryPath('src/simulator/run/main.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node18',
    packages: 'external',
    logLevel: 'silent',
    plugins: [
      {
        name: 'planted',
        setup: (bundler) => {
          bundler.onLoad({ filter: CODE }, async ({ path }) => {
            const own = edits.filter(({ file }) => repositoryPath(file) === path);
            if (own.length === 0) return undefined;
            return { contents: edited(path, await readFile(path, 'utf8'), own), loader: 'ts' };
          });
        },
      },
    ],
  });
};
