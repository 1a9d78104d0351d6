import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { explain } from '../../../../src/domain/errors.ts';
import { writeFileAtomic } from '../../../../src/drivers/files/atomic-write.ts';
import { mountTinyDisk } from '../../../support/tiny-disk.ts';

let dir: string;
let path: string;
const isRoot = process.geteuid?.() === 0;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atomic-'));
  path = join(dir, 'file');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o777;

describe('writeFileAtomic', () => {
  it('makes a new file with the mode that is asked for, and leaves nothing else', async () => {
    await writeFileAtomic(path, 'one', { mode: 0o640 });
    expect(await readFile(path, 'utf8')).toBe('one');
    expect(await modeOf(path)).toBe(0o640);
    expect(await readdir(dir)).toEqual(['file']);
  });

  it('gives the path another inode, so that a reader of the old one keeps a whole file', async () => {
    await writeFile(path, 'old');
    const before = (await stat(path)).ino;
    await writeFileAtomic(path, new Uint8Array([110, 101, 119]));
    expect((await stat(path)).ino).not.toBe(before);
    expect(await readFile(path, 'utf8')).toBe('new');
  });

  it.skipIf(!isRoot)('keeps owner and mode of the old file', async () => {
    await writeFile(path, 'old');
    await chown(path, 1234, 2345);
    await chmod(path, 0o604);
    await writeFileAtomic(path, 'new');
    expect([(await stat(path)).uid, (await stat(path)).gid, await modeOf(path)]).toEqual([1234, 2345, 0o604]);
  });

  it('does not replace what is there when told so', async () => {
    await writeFileAtomic(path, 'one', { ifAbsent: true });
    await expect(writeFileAtomic(path, 'two', { ifAbsent: true })).rejects.toMatchObject({ code: 'exists' });
    expect(await readFile(path, 'utf8')).toBe('one');
    expect(await readdir(dir)).toEqual(['file']);
  });

  it('refuses a symbolic link and a directory', async () => {
    await symlink(join(dir, 'elsewhere'), path);
    await expect(writeFileAtomic(path, 'x')).rejects.toMatchObject({ code: 'not-a-file' });
    await mkdir(join(dir, 'sub'));
    await expect(writeFileAtomic(join(dir, 'sub'), 'x')).rejects.toMatchObject({ code: 'not-a-file' });
    expect((await readdir(dir)).sort()).toEqual(['file', 'sub']);
  });

  it('says what to do where the directory is missing', async () => {
    await expect(writeFileAtomic(join(dir, 'no', 'file'), 'x')).rejects.toMatchObject({
      hint: 'make the directory, or mount it',
    });
  });

  it('removes what a killed writer left an hour ago, and nothing younger or foreign', async () => {
    const names = ['.file.tmp.1.old', '.file.tmp.2.young', '.other.tmp.3.old'];
    for (const name of names) await writeFile(join(dir, name), '');
    for (const name of names.filter((found) => found.endsWith('old'))) await utimes(join(dir, name), 0, 0);
    await writeFileAtomic(path, 'x');
    expect((await readdir(dir)).sort()).toEqual(['.file.tmp.2.young', '.other.tmp.3.old', 'file']);
  });

  it('keeps the old file, leaves no temporary one, and says what to do on a full disk', async (context) => {
    const disk = mountTinyDisk(64);
    if (disk === undefined) return context.skip('mounting a small file system takes root');
    try {
      const file = join(disk.dir, 'file');
      await writeFileAtomic(file, 'old');
      const error = await writeFileAtomic(file, 'x'.repeat(200_000)).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'disk-full', retryable: true });
      expect(explain(error)).toBe(
        `cannot write ${file}: no space left; free some space on that file system; it goes on by itself then`,
      );
      expect(await readFile(file, 'utf8')).toBe('old');
      expect(await readdir(disk.dir)).toEqual(['file']);
    } finally {
      disk.remove();
    }
  });
});
