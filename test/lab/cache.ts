import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where what is built once is kept: `${XDG_CACHE_HOME:-~/.cache}/blockhost-lab`. */
export function cacheDir(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'blockhost-lab');
}

/** Runs `build` while no other process runs one under the same name. */
export async function withCacheLock<T>(name: string, build: () => Promise<T>, waitSeconds = 300): Promise<T> {
  await mkdir(cacheDir(), { recursive: true });
  // flock(2) belongs to the open file: it stays ours after flock(1) has ended, until the descriptor is closed.
  const descriptor = openSync(join(cacheDir(), `${name}.lock`), 'w');
  try {
    const flock = spawn('flock', ['-x', '-w', String(waitSeconds), '3'], {
      stdio: ['ignore', 'ignore', 'inherit', descriptor],
    });
    const [code] = await once(flock, 'exit');
    if (code !== 0) throw new Error(`another process has been building ${name} for ${waitSeconds} seconds`);
    return await build();
  } finally {
    closeSync(descriptor);
  }
}
