import { spawnSync } from 'node:child_process';
import { chmod, chown, mkdtemp, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acquireExistingFile, acquireLockFile, withFlock } from '../../../../src/drivers/lock/flock.ts';
import { createLocks } from '../../../../src/drivers/lock/locks.ts';
import { awaitLockRequest } from '../../../support/lock-waiters.ts';

let dir: string;
let path: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'flock-'));
  path = join(dir, 'a.lock');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const isRoot = process.geteuid?.() === 0;
/** Whether another program gets the lock now. */
const isFree = (file: string): boolean => spawnSync('flock', ['-x', '-n', file, 'true']).status === 0;
const tick = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('withFlock', () => {
  it('shuts other programs out while the body runs, and no longer', async () => {
    expect(await withFlock(path, { waitMs: 1_000 }, async () => isFree(path))).toBe(false);
    expect(isFree(path)).toBe(true);
  });

  it('lets go when the body fails, and passes the error on', async () => {
    const failing = withFlock(path, { waitMs: 1_000 }, async () => {
      throw new Error('mine');
    });
    await expect(failing).rejects.toThrow('mine');
    expect(isFree(path)).toBe(true);
  });

  it('shuts two bodies of one process out of each other', async () => {
    let inside = 0;
    let most = 0;
    const body = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await tick(5);
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 8 }, () => withFlock(path, { waitMs: 10_000 }, body)));
    expect(most).toBe(1);
  });

  it('gives up after its wait with LockBusyError, and without a wait at once', async () => {
    await withFlock(path, { waitMs: 1_000 }, async () => {
      const start = performance.now();
      const facts = { name: 'LockBusyError', code: 'lock-busy', retryable: true };
      await expect(withFlock(path, { waitMs: 0 }, async () => undefined)).rejects.toMatchObject(facts);
      await expect(withFlock(path, { waitMs: 150 }, async () => undefined)).rejects.toMatchObject(facts);
      expect(performance.now() - start).toBeGreaterThan(140);
    });
  });

  it('locks the file that the path leads to, also when it was replaced during the wait', async () => {
    const first = await acquireLockFile(path, { waitMs: 1_000 });
    const second = acquireLockFile(path, { waitMs: 5_000 });
    await awaitLockRequest(path);
    await writeFile(join(dir, 'new'), '');
    await rename(join(dir, 'new'), path);
    await first.release();
    const held = await second;
    expect((await held.handle.stat()).ino).toBe((await stat(path)).ino);
    expect(isFree(path)).toBe(false);
    await held.release();
  });

  it('takes an existing file as a lock, and says where there is none', async () => {
    expect(await acquireExistingFile(path, { waitMs: 0 })).toBeUndefined();
    expect(await readdir(dir)).toEqual([]);
  });

  it('does not follow a symbolic link', async () => {
    await symlink(join(dir, 'elsewhere'), path);
    await expect(withFlock(path, { waitMs: 0 }, async () => undefined)).rejects.toThrow('is a symbolic link');
    expect(await readdir(dir)).toEqual(['a.lock']);
  });

  it('says what to do where the program flock or the directory is missing', async () => {
    const before = process.env.PATH;
    process.env.PATH = dir;
    try {
      await expect(withFlock(path, { waitMs: 0 }, async () => undefined)).rejects.toMatchObject({
        message: 'the program flock is not there',
        hint: 'install the package util-linux',
      });
    } finally {
      process.env.PATH = before;
    }
    await expect(withFlock(join(dir, 'no', 'a.lock'), { waitMs: 0 }, async () => undefined)).rejects.toThrow(
      'its directory is not there',
    );
  });

  it.skipIf(!isRoot)('gives a file that root makes to the owner of the directory, 0660 (D26)', async () => {
    await chown(dir, 4321, 4322);
    await chmod(dir, 0o2770);
    await withFlock(path, { waitMs: 0 }, async () => undefined);
    const { uid, gid, mode } = await stat(path);
    expect([uid, gid, mode & 0o777]).toEqual([4321, 4322, 0o660]);
  });
});

describe('the locks of machines', () => {
  const uuid = '6f1f0d5a-0b1c-4d3e-8f90-a1b2c3d4e5f6';

  it('are one file per UUID, in a directory for user and group alone', async () => {
    const locks = createLocks({ dir: join(dir, 'state', 'locks') });
    const file = join(dir, 'state', 'locks', `${uuid}.lock`);
    expect(await locks.withMachine(uuid, { waitMs: 0 }, async () => isFree(file))).toBe(false);
    expect((await stat(join(dir, 'state', 'locks'))).mode & 0o7777).toBe(0o2770);
  });

  it('do not hinder each other', async () => {
    const locks = createLocks({ dir });
    const other = uuid.replace('6', '7');
    const nested = locks.withMachine(uuid, { waitMs: 0 }, () =>
      locks.withMachine(other, { waitMs: 0 }, async () => 'both'),
    );
    expect(await nested).toBe('both');
  });

  it.each(['', '../../etc/passwd', uuid.toUpperCase(), `${uuid}\n`])(
    'refuse a name that is no UUID: %j',
    async (name) => {
      const locks = createLocks({ dir });
      await expect(locks.withMachine(name, { waitMs: 0 }, async () => undefined)).rejects.toMatchObject({
        code: 'lock-name',
      });
      expect(await readdir(dir)).toEqual([]);
    },
  );

  it('cost little (figures)', async () => {
    const locks = createLocks({ dir });
    const times: number[] = [];
    for (let n = 0; n < 40; n += 1) {
      const start = performance.now();
      await locks.withMachine(uuid, { waitMs: 0 }, async () => undefined);
      times.push(performance.now() - start);
    }
    console.info(`lock p50 ${times.sort((a, b) => a - b)[20]?.toFixed(2)} ms`);
    expect(times[0]).toBeLessThan(1_000);
  });
});
