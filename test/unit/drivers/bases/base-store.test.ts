import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBaseStore } from '../../../../src/drivers/bases/base-store.ts';
import { parseQcow2Header } from '../../../../src/drivers/bases/qcow2-header.ts';
import { type BaseToStore, storeBase } from '../../../../src/drivers/bases/store-base.ts';

const clock = { nowUnixMs: () => Date.now() };
const qcow2 = (words: string, { backing = 0n, external = false } = {}): Buffer => {
  const head = Buffer.alloc(512);
  head.writeUInt32BE(0x514649fb, 0);
  head.writeUInt32BE(3, 4);
  head.writeBigUInt64BE(backing, 8);
  head.writeBigUInt64BE(2n ** 31n, 24);
  if (external) head.writeBigUInt64BE(4n, 72);
  return Buffer.concat([head, Buffer.from(words)]);
};

describe('the store of base images', () => {
  let dir = '';
  let directory = '';
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'bases-'));
    directory = join(dir, 'state/bases');
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const offer = async (words: string, more: Partial<BaseToStore> = {}): Promise<BaseToStore> => {
    const imageFile = join(dir, 'new.qcow2');
    await writeFile(imageFile, qcow2(words));
    return { imageFile, boot: { kind: 'disk' }, manifest: { source: 'a test', versions: { debian: '12' } }, ...more };
  };
  const store = async (words: string, more: Partial<BaseToStore> = {}) =>
    storeBase({ directory, clock }, await offer(words, more));

  it('has no current base before the first one', async () => {
    expect(await createBaseStore({ directory }).current()).toBe('absent');
  });

  it('names an image by its content, makes it the current one, and lets qemu read it and nobody write it', async () => {
    const base = await store('one');
    expect(base.path).toBe(join(directory, `${base.digest.slice('sha256:'.length)}.qcow2`));
    expect(base).toMatchObject({ virtualSizeBytes: 2 ** 31, boot: { kind: 'disk' } });
    expect(await createBaseStore({ directory }).current()).toEqual(base);
    expect((await stat(base.path)).mode & 0o777).toBe(0o444);
    for (const path of [directory, join(dir, 'state')]) expect((await stat(path)).mode & 0o7777).toBe(0o2771);
    await expect(stat(join(dir, 'new.qcow2'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('opens the way through a state directory that was made without it, and opens no more than that', async () => {
    await mkdir(join(dir, 'state'), { mode: 0o770 });
    await chmod(join(dir, 'state'), 0o2770);
    await store('one');
    expect((await stat(join(dir, 'state'))).mode & 0o7777).toBe(0o2771);
  });

  it('leaves an older base as it was, content and time', async () => {
    const old = await store('one');
    const before = await stat(old.path);
    const next = await store('two');
    expect(next.digest).not.toBe(old.digest);
    const after = await stat(old.path);
    expect([after.ino, after.mtimeMs, after.size]).toEqual([before.ino, before.mtimeMs, before.size]);
    await createBaseStore({ directory }).verify(old.digest);
  });

  it('stores the same content twice as once', async () => {
    const first = await store('one');
    expect(await store('one')).toEqual(first);
    expect((await readdir(directory)).filter((name) => name.endsWith('.qcow2'))).toHaveLength(1);
  });

  it.each([
    ['is no qcow2', Buffer.from('raw bytes')],
    ['rests on another file', qcow2('x', { backing: 512n })],
    ['keeps its data in another file', qcow2('x', { external: true })],
  ])('refuses an image that %s', async (_, content) => {
    const offered = await offer('one');
    await writeFile(offered.imageFile, content);
    await expect(storeBase({ directory, clock }, offered)).rejects.toMatchObject({
      code: 'base-image',
      retryable: false,
    });
  });

  it('keeps the old base current when a new one breaks off, wherever it does', async () => {
    const old = await store('one');
    const boot = { kind: 'kernel', kernel: join(dir, 'k'), initrd: join(dir, 'i'), commandLine: 'quiet' } as const;
    await expect(store('two', { boot })).rejects.toMatchObject({ retryable: true }); // there is no kernel
    await writeFile(boot.kernel, 'kernel');
    await expect(store('two', { boot })).rejects.toMatchObject({ retryable: true }); // no initrd
    expect(await createBaseStore({ directory }).current()).toEqual(old);
    expect((await readdir(directory)).filter((name) => name.startsWith('.'))).toEqual([]);
    await writeFile(boot.initrd, 'initrd');
    const next = await store('two', { boot });
    expect(await createBaseStore({ directory }).current()).toEqual(next);
    expect(next.boot).toMatchObject({ kind: 'kernel', commandLine: 'quiet' });
  });

  it('clears away what a killed builder left, and nothing that may still be written to', async () => {
    await store('one');
    const abandoned = join(directory, '.incoming-dead');
    await writeFile(abandoned, 'half');
    await store('two');
    expect(await readFile(abandoned, 'utf8')).toBe('half');
    const later = { nowUnixMs: () => Date.now() + 25 * 3_600_000 };
    await storeBase({ directory, clock: later }, await offer('three'));
    await expect(stat(abandoned)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('reads an image in full once, and again only when it looks different', async () => {
    const { digest, path } = await store('one');
    const bases = createBaseStore({ directory });
    await bases.verify(digest);
    const { atime, mtime, size } = await stat(path);
    await chmod(path, 0o644);
    await writeFile(path, qcow2('eno'));
    expect((await stat(path)).size).toBe(size);
    await expect(bases.verify(digest)).rejects.toMatchObject({ code: 'base-wrong', retryable: false });
    await writeFile(path, qcow2('one'));
    await utimes(path, atime, mtime);
    await bases.verify(digest);
  });

  it('tells a base that is gone from one that cannot be looked at: the second is worth another try (L3)', async () => {
    const { digest, path } = await store('one');
    const bases = createBaseStore({ directory });
    await rm(path, { force: true });
    await expect(bases.verify(digest)).rejects.toMatchObject({ code: 'base-missing', retryable: false });
    await mkdir(path);
    await expect(bases.verify(digest)).rejects.toMatchObject({ code: 'base-unreadable', retryable: true });
  });

  it('verifies an image whose manifest is lost: what counts is its content', async () => {
    const { digest, path } = await store('one');
    await rm(path.replace(/qcow2$/, 'json'));
    await createBaseStore({ directory }).verify(digest);
    await expect(createBaseStore({ directory }).current()).rejects.toMatchObject({ code: 'base-missing' });
  });

  it('refuses what is no digest, and never makes a path of it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), async (digest) => {
        await expect(createBaseStore({ directory }).verify(digest)).rejects.toMatchObject({ code: 'base-digest' });
      }),
    );
  });
});

describe('a qcow2 header', () => {
  it('is read from any bytes without a throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void parseQcow2Header(Buffer.from(bytes))));
  });
});
