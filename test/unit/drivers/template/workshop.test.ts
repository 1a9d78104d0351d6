import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SettledSource, TemplateSource } from '../../../../src/domain/template.ts';
import { createSystemClock } from '../../../../src/drivers/clock/system-clock.ts';
import { createWorkshop } from '../../../../src/drivers/template/workshop.ts';
import type { TemplateWorkshop } from '../../../../src/ports/template-workshop.ts';
import { startFileServer } from './file-server.ts';

const run = promisify(execFile);

let directory = '';
let packagesDir = '';
let controller = new AbortController();
let steps: string[] = [];
const workshop = (toolFolders?: string[]): TemplateWorkshop =>
  createWorkshop({
    directory: join(directory, 'work'),
    locksDir: join(directory, 'locks'),
    packagesDir,
    clock: createSystemClock(),
    report: { step: (text) => void steps.push(text), detail: () => undefined, bytes: () => undefined },
    signal: controller.signal,
    ...(toolFolders === undefined ? {} : { toolFolders }),
  });
const packages: TemplateSource = { kind: 'packages', suite: 'bookworm', mirror: undefined, packages: [], sizeGib: 3 };
const image = (path: string, more: { checksum?: string; asIs?: boolean } = {}): TemplateSource => ({
  kind: 'file',
  path,
  checksum: more.checksum,
  asIs: more.asIs ?? true,
});

/** A package as dpkg-deb makes it. */
const makeDeb = async (file: string, name: string, version = '1.0'): Promise<void> => {
  const tree = await mkdtemp(join(directory, 'deb-'));
  await chmod(tree, 0o755);
  await mkdir(join(tree, 'DEBIAN'), { mode: 0o755 });
  const control = `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: t <t@example.org>\nDescription: t\n`;
  await writeFile(join(tree, 'DEBIAN/control'), control);
  await run('dpkg-deb', ['--build', '--root-owner-group', tree, join(packagesDir, file)]);
};

const makeQcow2 = async (name: string, ...more: string[]): Promise<string> => {
  const path = join(directory, name);
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', ...more, path, '1M']);
  return path;
};

describe('the workshop for templates', () => {
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'workshop-'));
    packagesDir = join(directory, 'packages');
    controller = new AbortController();
    steps = [];
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('knows no local packages where their folder is not there', async () => {
    expect(await workshop().settle(packages)).toEqual({ source: packages, pinned: 'bookworm', localPackages: [] });
  });

  it('knows each local package by name, version and digest', async () => {
    await mkdir(packagesDir);
    await makeDeb('it is a file.deb', 'libpam-web3', '0.4.1');
    await writeFile(join(packagesDir, 'notes.txt'), 'no package');
    const { localPackages } = await workshop().settle(packages);
    expect(localPackages).toEqual([
      {
        path: join(packagesDir, 'it is a file.deb'),
        name: 'libpam-web3',
        version: '0.4.1',
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ]);
  });

  it('names all local packages that are none, and those that are there twice', async () => {
    await mkdir(packagesDir);
    await makeDeb('a.deb', 'libpam-web3', '1');
    await makeDeb('b.deb', 'libpam-web3', '2');
    await writeFile(join(packagesDir, 'c.deb'), 'half a downl');
    await expect(workshop().settle(packages)).rejects.toThrow(
      /c\.deb is not a Debian package .*2 packages called libpam-web3/,
    );
  });

  it('refuses to put local packages into an image that is to stay as it is', async () => {
    await mkdir(packagesDir);
    await makeDeb('a.deb', 'libpam-web3');
    await expect(workshop().settle(image(await makeQcow2('x.qcow2')))).rejects.toThrow(/cannot get libpam-web3/);
  });

  it('pins an image file by its checksum, and refuses another', async () => {
    const path = join(directory, 'x.img');
    await writeFile(path, 'abc');
    const sha256 = 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect((await workshop().settle(image(path))).pinned).toBe(sha256);
    expect((await workshop().settle(image(path, { checksum: sha256 }))).pinned).toBe(sha256);
    const other = `sha256:${'0'.repeat(64)}`;
    await expect(workshop().settle(image(path, { checksum: other }))).rejects.toMatchObject({
      code: 'template-checksum',
    });
    await expect(workshop().settle(image(join(directory, 'none')))).rejects.toThrow(/it is not there/);
  });

  it('finds every program that is missing, and none too many', async () => {
    const tools = join(directory, 'bin');
    await mkdir(tools);
    for (const name of ['unshare', 'qemu-img', 'mke2fs', 'apt-get'])
      await writeFile(join(tools, name), '', { mode: 0o755 });
    await writeFile(join(tools, 'mmdebstrap'), '', { mode: 0o644 });
    const missing = async (source: TemplateSource): Promise<string[]> =>
      (await workshop([tools]).missingTools({ source, pinned: '', localPackages: [] })).map(({ program }) => program);
    expect(await missing(packages)).toEqual(['setpriv', 'mmdebstrap']);
    expect(await missing(image('x', { asIs: false }))).toEqual(['setpriv', 'virt-customize']);
    expect(await missing(image('x'))).toEqual(['setpriv']);
  });

  it('builds one at a time; whoever waits is told, and can give up', async () => {
    const order: string[] = [];
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let entered = (): void => undefined;
    const inside = new Promise<void>((resolve) => {
      entered = resolve;
    });
    const first = workshop().exclusively(
      () => order.push('first waits'),
      async () => {
        entered();
        await held;
        order.push('first');
      },
    );
    await inside;
    const second = workshop().exclusively(release, async () => void order.push('second'));
    await Promise.all([first, second]);
    expect(order).toEqual(['first', 'second']);

    const holding = new Promise<void>((resolve) => {
      entered = resolve;
    });
    const holder = workshop().exclusively(
      () => undefined,
      () =>
        new Promise<void>((resolve) => {
          release = resolve;
          entered();
        }),
    );
    await holding;
    await expect(
      workshop().exclusively(
        () => controller.abort(),
        async () => undefined,
      ),
    ).rejects.toThrow(/abort/);
    release();
    await holder;
  });

  it('removes what killed builds left, and keeps only the download that goes on', async () => {
    const work = join(directory, 'work');
    const url: TemplateSource = {
      kind: 'url',
      url: 'http://127.0.0.1:1/x',
      checksum: `sha256:${'1'.repeat(64)}`,
      asIs: true,
    };
    await mkdir(join(work, 'work-abc/root/etc'), { recursive: true });
    await writeFile(join(work, 'download-other.part'), '');
    await writeFile(join(work, 'somebody-else'), '');
    await workshop().clean(url);
    expect(await readdir(work)).toEqual(['somebody-else']);

    const server = await startFileServer(() => randomBytes(1000));
    await expect(
      workshop().build({ source: { ...url, url: server.url }, pinned: '', localPackages: [] }),
    ).rejects.toThrow();
    await server.stop();
    controller = new AbortController();
    await workshop().clean(undefined);
    expect(await readdir(work)).toEqual(['somebody-else']);
  });

  const asBuilt = async (path: string) => {
    const settled = await workshop().settle(image(path));
    return workshop().build(settled);
  };

  it('takes a qcow2 image as it is, to the byte', async () => {
    const path = await makeQcow2('x.qcow2');
    const { imageFile, boot } = await asBuilt(path);
    expect(boot).toEqual({ kind: 'disk' });
    expect((await readFile(imageFile)).equals(await readFile(path))).toBe(true);
  });

  it('makes a qcow2 of a raw disk', async () => {
    const raw = Buffer.alloc(1 << 20);
    raw.set([0x55, 0xaa], 510);
    const path = join(directory, 'x.raw');
    await writeFile(path, raw);
    const { imageFile } = await asBuilt(path);
    expect((await readFile(imageFile)).subarray(0, 3).toString()).toBe('QFI');
  });

  it('refuses an image that names files of this host', async () => {
    const secret = join(directory, 'secret');
    await writeFile(secret, Buffer.alloc(1 << 20));
    const backed = join(directory, 'backed.qcow2');
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', secret, backed]);
    await expect(asBuilt(backed)).rejects.toThrow(/leans on another file/);
    const external = await makeQcow2('external.qcow2', '-o', `data_file=${join(directory, 'data')},data_file_raw=on`);
    await expect(asBuilt(external)).rejects.toThrow(/leans on another file/);
  });

  it.each<[string, Buffer, RegExp]>([
    ['a page of a web site', Buffer.from('<!doctype html>'.padEnd(1024)), /neither a qcow2 image nor a raw disk/],
    ['an empty file', Buffer.alloc(0), /neither a qcow2 image nor a raw disk/],
    ['a compressed image', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]), /is compressed \(xz\)/],
  ])('refuses %s in words', async (_what, data, words) => {
    const path = join(directory, 'x');
    await writeFile(path, data);
    await expect(asBuilt(path)).rejects.toThrow(words);
  });

  it('leaves the downloaded image alone, and builds from it', async () => {
    const path = await makeQcow2('x.qcow2');
    const data = await readFile(path);
    const { pinned } = await workshop().settle(image(path));
    const server = await startFileServer(() => data);
    const source: TemplateSource = { kind: 'url', url: `${server.url}?token=secret`, checksum: pinned, asIs: true };
    const settled: SettledSource = await workshop().settle(source);
    const { imageFile, versions } = await workshop().build(settled);
    await server.stop();
    expect((await readFile(imageFile)).equals(data)).toBe(true);
    expect(versions).toEqual({ image: pinned });
    expect(steps.join()).not.toContain('secret');
    await workshop().clean(source);
    expect((await readdir(join(directory, 'work'))).filter((name) => name.startsWith('download-'))).toHaveLength(1);
    expect(existsSync(imageFile)).toBe(false);
  });
});
