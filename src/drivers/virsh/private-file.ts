import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Hands `body` the path of a file with `text` in it, for commands of virsh that read a file: one of our own that nobody
 * else can read (XML can hold passwords), gone when `body` is done.
 */
export const inPrivateFile = async <T>(text: string, body: (path: string) => Promise<T>): Promise<T> => {
  const dir = await mkdtemp(join(tmpdir(), 'blockhost-define-'));
  try {
    const path = join(dir, 'input.xml');
    await writeFile(path, text, { mode: 0o600, flag: 'wx' });
    return await body(path);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};
