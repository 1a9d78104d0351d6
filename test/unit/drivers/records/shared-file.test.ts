import { writeFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSystemClock } from '../../../../src/drivers/clock/system-clock.ts';
import { acquireExistingFile, acquireLockFile } from '../../../../src/drivers/lock/flock.ts';
import { createSharedFile, type SharedFile } from '../../../../src/drivers/records/shared-file.ts';
import { awaitLockRequest } from '../../../support/lock-waiters.ts';

let dir: string;
let path: string;
let file: SharedFile;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'shared-file-'));
  path = join(dir, 'vms.json');
  file = createSharedFile({ path, clock: createSystemClock() });
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('the shared file', () => {
  it('is read without a trace: no lock file is made by a look (D18)', async () => {
    await writeFile(path, 'theirs');
    expect(await file.read((text) => text)).toBe('theirs');
    expect(await readdir(dir)).toEqual(['vms.json']);
  });

  it('is read again where somebody wrote it without asking while we thought', async () => {
    await writeFile(path, 'theirs 1');
    const seen: (string | undefined)[] = [];
    const wrote = await file.update((text) => {
      seen.push(text);
      if (seen.length === 1) writeFileSync(path, 'theirs, the second');
      return `${text} and ours`;
    });
    expect(wrote).toBe(true);
    expect(seen).toEqual(['theirs 1', 'theirs, the second']);
    expect(await readFile(path, 'utf8')).toBe('theirs, the second and ours');
  });

  it('is not replaced where somebody made it while we thought that there was none', async () => {
    const seen: (string | undefined)[] = [];
    await file.update((text) => {
      seen.push(text);
      if (text === undefined) writeFileSync(path, 'theirs');
      return `${text} and ours`;
    });
    expect(seen).toEqual([undefined, 'theirs']);
    expect((await readdir(dir)).sort()).toEqual(['vms.json', 'vms.json.lock']);
  });

  it('is left alone by who holds neither lock: we wait for the lock file, and for the file itself', async () => {
    await writeFile(path, 'theirs');
    for (const take of [acquireLockFile, acquireExistingFile]) {
      const lock = take === acquireLockFile ? `${path}.lock` : path;
      const held = await take(lock, { waitMs: 1_000 });
      let done = false;
      const update = file
        .update((text) => `${text}+`)
        .then(() => {
          done = true;
        });
      await awaitLockRequest(lock);
      expect(done).toBe(false);
      await held?.release();
      await update;
    }
    expect(await readFile(path, 'utf8')).toBe('theirs++');
  });

  it('is locked under the name that it has after somebody renamed another over it', async () => {
    await writeFile(path, 'old');
    const held = await acquireExistingFile(path, { waitMs: 1_000 });
    const update = file.update((text) => `${text}+`);
    await awaitLockRequest(path);
    await writeFile(join(dir, 'new'), 'new');
    await rename(join(dir, 'new'), path);
    await held?.release();
    await update;
    expect(await readFile(path, 'utf8')).toBe('new+');
  });
});
