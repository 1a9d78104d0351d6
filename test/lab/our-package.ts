import { copyFile, mkdir, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { withCacheLock } from './cache.ts';
import { repositoryPath } from './repository.ts';

const madeMs = async (path: string): Promise<number> => (await stat(path)).mtimeMs;

/** The package, where it was built after the programs that are in `dist` now. */
const built = async (): Promise<string | undefined> => {
  const folder = repositoryPath('build');
  await mkdir(folder, { recursive: true });
  const [name] = (await readdir(folder)).filter((file) => file.endsWith('.deb'));
  if (name === undefined) return undefined;
  const deb = join(folder, name);
  return (await madeMs(deb)) > (await madeMs(repositoryPath('dist/meta.json'))) ? deb : undefined;
};

/** A copy in `directory` of what build-deb.sh makes; it is made once in a run of the tests, see `built.ts`. */
export const providePackage = (directory: string): Promise<string> =>
  withCacheLock('our-package', async () => {
    const deb = (await built()) ?? repositoryPath((await execa(repositoryPath('build-deb.sh'))).stdout);
    const copy = join(directory, basename(deb));
    await copyFile(deb, copy);
    return copy;
  });
