import { execa } from 'execa';
import type { TestProject } from 'vitest/node';
import { repositoryPath } from './repository.ts';

const dist = repositoryPath('dist');

/**
 * Builds what ships, once before a run, and again before each rerun of a watch. Whoever asks for it during the run
 * (`debian/bundle.mjs`, build-deb.sh) takes what is there: files of tests run side by side, and none may find a program that
 * another one is just writing.
 */
// biome-ignore lint/style/noDefaultExport: vitest takes a set-up's default export
export default async function setup(project: TestProject): Promise<void> {
  const build = async (): Promise<void> => {
    await execa(process.execPath, [repositoryPath('debian/bundle.mjs')], { env: { BLOCKHOST_BUILT: '' } });
    process.env.BLOCKHOST_BUILT = dist;
  };
  project.onTestsRerun(build);
  // Each project that wants it is set up by itself.
  if (process.env.BLOCKHOST_BUILT !== dist) await build();
}
