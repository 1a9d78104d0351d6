import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createQuarantine } from '../../../../src/drivers/quarantine/quarantine.ts';

const UUID = '00000000-0000-4000-8000-000000000007';

/** Lets the process die at one call that changes a file system; reads are not counted. */
const fate = vi.hoisted(() => ({ calls: 0, diesAt: Number.POSITIVE_INFINITY }));

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>();
  const mortal =
    <Rest extends unknown[], T>(call: (...rest: Rest) => Promise<T>) =>
    async (...rest: Rest): Promise<T> => {
      fate.calls += 1;
      if (fate.calls >= fate.diesAt) throw new Error('the process died');
      return call(...rest);
    };
  return {
    ...real,
    mkdir: mortal(real.mkdir),
    rename: mortal(real.rename),
    rm: mortal(real.rm),
    rmdir: mortal(real.rmdir),
    open: mortal(real.open),
    link: mortal(real.link),
    unlink: mortal(real.unlink),
  };
});

const immortally = async <T>(body: () => Promise<T>): Promise<T> => {
  const { diesAt } = fate;
  fate.diesAt = Number.POSITIVE_INFINITY;
  try {
    return await body();
  } finally {
    fate.diesAt = diesAt;
  }
};

let root = '';
let elsewhere: string | undefined;

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

/** Every file below a directory with its content: what must never get less. */
const contents = async (directory: string): Promise<string[]> => {
  const found: string[] = [];
  for (const entry of (await isThere(directory)) ? await readdir(directory, { withFileTypes: true }) : []) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) found.push(...(await contents(path)));
    else if (entry.isSymbolicLink()) found.push(`-> ${await readlink(path)}`);
    else if (!/^\.?dossier\.json/.test(entry.name) || directory.endsWith('vms'))
      found.push(await readFile(path, 'utf8'));
  }
  return found.sort();
};

const build = async () => {
  const vms = join(root, 'vms');
  const cloudInit = join(root, 'cloud-init', 'blockhost-007');
  const directory = join(root, 'state', 'quarantine');
  await mkdir(vms, { recursive: true });
  await mkdir(cloudInit, { recursive: true });
  await mkdir(directory, { recursive: true });
  const disk = join(vms, 'blockhost-007.qcow2');
  await writeFile(disk, 'the customer’s data');
  await writeFile(join(cloudInit, 'user-data'), 'seed');
  const dossier = { uuid: UUID, name: 'blockhost-007', definition: '<domain/>', files: [disk, cloudInit], needs: [] };
  return { vms, disk, cloudInit, directory, dossier, quarantine: createQuarantine({ directory }) };
};

describe('quarantine on real files (D21)', () => {
  beforeEach(async () => {
    fate.diesAt = Number.POSITIVE_INFINITY;
    root = await mkdtemp(join(tmpdir(), 'quarantine-'));
    elsewhere = await otherFileSystem();
  });
  afterEach(async () => {
    fate.diesAt = Number.POSITIVE_INFINITY;
    await rm(root, { recursive: true, force: true });
    if (elsewhere) await rm(elsewhere, { recursive: true, force: true });
  });

  it('takes files and directories out of their places and puts the same ones back', async () => {
    const { quarantine, dossier, disk, cloudInit, directory } = await build();
    const { ino } = await lstat(disk);
    await quarantine.keep(dossier);
    await quarantine.moveIn(UUID);
    expect([await isThere(disk), await isThere(cloudInit)]).toEqual([false, false]);
    expect(await contents(directory)).toEqual(['seed', 'the customer’s data']);
    expect(await quarantine.dossier(UUID)).toEqual(dossier);
    await quarantine.moveOut(UUID);
    expect((await lstat(disk)).ino).toBe(ino);
    expect(await readFile(join(cloudInit, 'user-data'), 'utf8')).toBe('seed');
    await quarantine.forget(UUID);
    expect(await readdir(directory)).toEqual([]);
    expect(await quarantine.dossier(UUID)).toBeUndefined();
  });

  it('deletes everything that it kept, and nothing else', async () => {
    const { quarantine, dossier, directory, vms } = await build();
    await writeFile(join(vms, 'other.qcow2'), 'another’s');
    await quarantine.keep(dossier);
    await quarantine.moveIn(UUID);
    await quarantine.purge(UUID);
    await quarantine.purge(UUID);
    expect(await readdir(directory)).toEqual([]);
    expect(await contents(root)).toEqual(['another’s']);
  });

  it('tells what a machine needs in place to come back: what was not moved yet, and what stays with others', async () => {
    const { quarantine, dossier, disk, cloudInit, directory } = await build();
    await quarantine.keep({ ...dossier, needs: ['/bases/debian.qcow2'] });
    expect(await quarantine.needs(UUID)).toEqual([disk, cloudInit, '/bases/debian.qcow2']);
    expect(await quarantine.keptPaths(UUID)).toEqual([]);
    await quarantine.moveIn(UUID);
    expect(await quarantine.needs(UUID)).toEqual(['/bases/debian.qcow2']);
    const own = join(directory, UUID);
    expect(await quarantine.keptPaths(UUID)).toEqual([
      join(own, '0-blockhost-007.qcow2'),
      disk,
      join(own, '1-blockhost-007'),
      cloudInit,
    ]);
    await writeFile(disk, 'its successor’s');
    expect(await quarantine.keptPaths(UUID)).not.toContain(disk);
  });

  it('reads a dossier of before there were needs', async () => {
    const { quarantine, dossier, directory } = await build();
    const { needs: _, ...old } = dossier;
    await mkdir(join(directory, UUID));
    await writeFile(join(directory, UUID, 'dossier.json'), JSON.stringify(old));
    expect(await quarantine.dossier(UUID)).toEqual(dossier);
  });

  it('can be repeated, every call of it', async () => {
    const { quarantine, dossier, disk } = await build();
    for (const call of [
      'keep',
      'moveIn',
      'moveIn',
      'keep',
      'moveOut',
      'moveOut',
      'forget',
      'forget',
      'moveIn',
      'moveOut',
      'purge',
    ] as const) {
      await (call === 'keep' ? quarantine.keep(dossier) : quarantine[call](UUID));
    }
    expect(await readFile(disk, 'utf8')).toBe('the customer’s data');
  });

  it('loses nothing and gets to its end, whichever call the process dies at', async () => {
    let diesAt = 1;
    for (let survived = false; !survived; diesAt += 1) {
      const { quarantine, dossier, disk, cloudInit, directory } = await immortally(build);
      const destroy = async (): Promise<void> => {
        await quarantine.keep(dossier);
        await quarantine.moveIn(UUID);
      };
      const restore = async (): Promise<void> => {
        await quarantine.moveOut(UUID);
        await quarantine.forget(UUID);
      };
      for (const act of [destroy, restore]) {
        Object.assign(fate, { calls: 0, diesAt });
        survived = await act().then(
          () => true,
          () => false,
        );
        fate.diesAt = Number.POSITIVE_INFINITY;
        expect(await contents(root)).toEqual(['seed', 'the customer’s data']);
        await act();
        expect(await contents(root)).toEqual(['seed', 'the customer’s data']);
        expect(await isThere(disk)).toBe(act === restore);
        expect(await isThere(cloudInit)).toBe(act === restore);
      }
      expect(await readdir(directory)).toEqual([]);
      await rm(root, { recursive: true });
    }
    expect(diesAt).toBeGreaterThan(8);
  });

  it('undoes a destroy that died half-way (C11), and purges whole what died half-way', async () => {
    for (const undo of ['moveOut', 'purge'] as const) {
      for (let diesAt = 1; diesAt < 14; diesAt += 1) {
        const { quarantine, dossier, disk, directory } = await immortally(build);
        await quarantine.keep(dossier);
        if (undo === 'purge') await quarantine.moveIn(UUID);
        Object.assign(fate, { calls: 0, diesAt });
        await (undo === 'purge' ? quarantine.purge(UUID) : quarantine.moveIn(UUID)).catch(() => undefined);
        fate.diesAt = Number.POSITIVE_INFINITY;
        await quarantine[undo](UUID);
        if (undo === 'moveOut') expect(await readFile(disk, 'utf8')).toBe('the customer’s data');
        else expect(await contents(directory)).toEqual([]);
        await rm(root, { recursive: true });
      }
    }
  });

  it('refuses to put a file where something else is by now, and moves none of the others', async () => {
    const { quarantine, dossier, disk, cloudInit } = await build();
    await quarantine.keep(dossier);
    await quarantine.moveIn(UUID);
    await mkdir(cloudInit);
    await expect(quarantine.moveOut(UUID)).rejects.toMatchObject({ code: 'quarantine-clash', retryable: false });
    expect(await isThere(disk)).toBe(false);
    await rm(cloudInit, { recursive: true });
    await quarantine.moveOut(UUID);
    expect(await readFile(disk, 'utf8')).toBe('the customer’s data');
  });

  it('does not take a file that came into the place of one that it keeps', async () => {
    const { quarantine, dossier, disk, directory } = await build();
    await quarantine.keep(dossier);
    await quarantine.moveIn(UUID);
    await writeFile(disk, 'a new machine’s');
    await expect(quarantine.moveIn(UUID)).rejects.toMatchObject({ code: 'quarantine-clash', retryable: false });
    expect(await readFile(disk, 'utf8')).toBe('a new machine’s');
    expect(await contents(directory)).toContain('the customer’s data');
    await quarantine.purge(UUID);
    expect(await readFile(disk, 'utf8')).toBe('a new machine’s');
  });

  it('says that a kept file is missing instead of calling the machine whole', async () => {
    const { quarantine, dossier, directory } = await build();
    await quarantine.keep(dossier);
    await quarantine.moveIn(UUID);
    await rename(directory, `${directory}-away`);
    await mkdir(join(directory, UUID), { recursive: true });
    await writeFile(join(directory, UUID, 'dossier.json'), JSON.stringify(dossier));
    await expect(quarantine.moveOut(UUID)).rejects.toMatchObject({ retryable: true });
  });

  it('puts nothing back, and deletes nothing, while the directory of a place is not there', async () => {
    const { quarantine, dossier, disk, cloudInit } = await build();
    await quarantine.keep(dossier);
    await quarantine.moveIn(UUID);
    await rm(dirname(cloudInit), { recursive: true });
    await expect(quarantine.moveOut(UUID)).rejects.toThrow(dirname(cloudInit));
    await expect(quarantine.forget(UUID)).rejects.toMatchObject({ retryable: false });
    await mkdir(dirname(cloudInit));
    await quarantine.moveOut(UUID);
    expect(await readFile(join(cloudInit, 'user-data'), 'utf8')).toBe('seed');
    expect(await isThere(disk)).toBe(true);
  });

  it('does not wait for files that were never there', async () => {
    const { quarantine, dossier, disk, vms } = await build();
    await quarantine.keep({ ...dossier, files: [join(vms, 'never.iso'), join(root, 'no', 'directory', 'x'), disk] });
    await quarantine.moveIn(UUID);
    await quarantine.moveOut(UUID);
    expect(await readFile(disk, 'utf8')).toBe('the customer’s data');
  });

  it('renews a dossier that a restore left behind, so that the machine’s latest disks are kept', async () => {
    const { quarantine, dossier, disk, vms } = await build();
    await quarantine.keep(dossier);
    await quarantine.moveIn(UUID);
    await quarantine.moveOut(UUID);
    const second = join(vms, 'second.qcow2');
    await writeFile(second, 'more data');
    const renewed = { ...dossier, definition: '<domain>two disks</domain>', files: [disk, second] };
    await quarantine.keep(renewed);
    expect(await quarantine.dossier(UUID)).toEqual(renewed);
    await quarantine.moveIn(UUID);
    await quarantine.keep({ ...dossier, definition: '<domain>nothing</domain>', files: [] });
    expect(await quarantine.dossier(UUID)).toEqual(renewed);
  });

  it.each([
    'a b',
    '-rf',
    "quo'te",
    'line\nbreak',
    'ünï😀',
    '$(reboot)',
    '..data',
    'x'.repeat(255),
    'é'.repeat(127),
    'dossier.json',
  ])('takes the odd name %j', async (name) => {
    const { quarantine, dossier, vms, directory } = await build();
    const disk = join(vms, name);
    await writeFile(disk, 'odd');
    await quarantine.keep({ ...dossier, files: [disk] });
    await quarantine.moveIn(UUID);
    expect(await isThere(disk)).toBe(false);
    expect(await contents(directory)).toEqual(['odd']);
    await quarantine.moveOut(UUID);
    expect(await readFile(disk, 'utf8')).toBe('odd');
  });

  it('keeps two files of one name apart', async () => {
    const { quarantine, dossier, vms } = await build();
    const files = ['a', 'b'].map((name) => join(vms, name, 'disk.qcow2'));
    for (const file of files) {
      await mkdir(dirname(file));
      await writeFile(file, file);
    }
    await quarantine.keep({ ...dossier, files });
    await quarantine.moveIn(UUID);
    await quarantine.moveOut(UUID);
    for (const file of files) expect(await readFile(file, 'utf8')).toBe(file);
  });

  it('moves a symlink, not what it leads to, also when it leads nowhere', async () => {
    const { quarantine, dossier, vms } = await build();
    const target = join(root, 'shared-base.qcow2');
    await writeFile(target, 'base');
    const links = [join(vms, 'link'), join(vms, 'dangling')];
    await symlink(target, links[0] ?? '');
    await symlink(join(root, 'nowhere'), links[1] ?? '');
    await quarantine.keep({ ...dossier, files: links });
    await quarantine.moveIn(UUID);
    expect(await Promise.all(links.map(isThere))).toEqual([false, false]);
    expect(await readFile(target, 'utf8')).toBe('base');
    await quarantine.moveOut(UUID);
    expect(await readlink(links[0] ?? '')).toBe(target);
    expect(await isThere(links[1] ?? '')).toBe(true);
  });

  it('keeps a disk of another file system there: a move is never a copy', async (context) => {
    if (!elsewhere) return context.skip('no second file system to write on');
    const { quarantine, dossier, directory, cloudInit } = await build();
    const disk = join(elsewhere, 'blockhost-007.qcow2');
    await writeFile(disk, 'on another disk');
    const { ino, dev } = await lstat(disk);
    await quarantine.keep({ ...dossier, files: [disk, cloudInit] });
    await quarantine.moveIn(UUID);
    expect(await isThere(disk)).toBe(false);
    expect(await contents(elsewhere)).toEqual(['on another disk']);
    expect(await contents(directory)).toEqual(['seed']);
    await quarantine.moveOut(UUID);
    const after = await lstat(disk);
    expect([after.ino, after.dev]).toEqual([ino, dev]);
    await quarantine.forget(UUID);
    await quarantine.keep({ ...dossier, files: [disk, cloudInit] });
    await quarantine.moveIn(UUID);
    await quarantine.purge(UUID);
    expect(await contents(elsewhere)).toEqual([]);
    expect(await contents(directory)).toEqual([]);
  });

  it('sees through a symlinked storage directory to the file system behind it', async (context) => {
    if (!elsewhere) return context.skip('no second file system to write on');
    const { quarantine, dossier, vms } = await build();
    const linked = join(vms, 'big');
    await symlink(elsewhere, linked);
    const disk = join(linked, 'blockhost-007.qcow2');
    await writeFile(disk, 'behind a link');
    await quarantine.keep({ ...dossier, files: [disk] });
    await quarantine.moveIn(UUID);
    expect(await isThere(disk)).toBe(false);
    await quarantine.moveOut(UUID);
    expect(await readFile(disk, 'utf8')).toBe('behind a link');
  });

  it('does not call a machine whole while the file system of its disk is away', async (context) => {
    if (!elsewhere) return context.skip('no second file system to write on');
    const { quarantine, dossier, vms } = await build();
    const mountPoint = join(vms, 'big');
    await symlink(elsewhere, mountPoint);
    const disk = join(mountPoint, 'blockhost-007.qcow2');
    await writeFile(disk, 'on another disk');
    await quarantine.keep({ ...dossier, files: [disk] });
    await quarantine.moveIn(UUID);
    await rm(mountPoint);
    await mkdir(mountPoint);
    await expect(quarantine.moveOut(UUID)).rejects.toMatchObject({ retryable: true });
    await rm(mountPoint, { recursive: true });
    await symlink(elsewhere, mountPoint);
    await quarantine.moveOut(UUID);
    expect(await readFile(disk, 'utf8')).toBe('on another disk');
  });

  it.each(['', '..', '../../etc', `${UUID}/..`, UUID.toUpperCase().replace('0', 'A')])(
    'refuses the UUID %j',
    async (uuid) => {
      const { quarantine, dossier } = await build();
      await expect(quarantine.keep({ ...dossier, uuid })).rejects.toMatchObject({ retryable: false });
      for (const call of ['dossier', 'moveIn', 'moveOut', 'purge', 'forget'] as const)
        await expect(quarantine[call](uuid)).rejects.toThrow();
    },
  );

  it.each([
    '',
    '{',
    '[]',
    '{"uuid":"x"}',
    JSON.stringify({ uuid: UUID, name: 'x', definition: '', files: [] }),
    JSON.stringify({ uuid: UUID, name: 'x', definition: 'y', files: ['relative'] }),
  ])('takes the dossier %j for damaged: it moves and deletes nothing, and says which file it is', async (text) => {
    const { quarantine, dossier, disk, directory } = await build();
    await quarantine.keep(dossier);
    await quarantine.moveIn(UUID);
    const path = join(directory, UUID, 'dossier.json');
    await writeFile(path, text);
    for (const call of ['dossier', 'moveIn', 'moveOut', 'purge'] as const) {
      await expect(quarantine[call](UUID)).rejects.toMatchObject({
        message: expect.stringContaining(path),
        retryable: false,
      });
    }
    expect(await contents(directory)).toContain('the customer’s data');
    expect(await isThere(disk)).toBe(false);
  });
});

/** A directory on a file system other than that of temporary files, where there is one. */
async function otherFileSystem(): Promise<string | undefined> {
  for (const candidate of ['/dev/shm', '/run/shm', '/run', process.cwd()]) {
    try {
      const directory = await mkdtemp(join(candidate, '.quarantine-test-'));
      if ((await lstat(directory)).dev !== (await lstat(root)).dev) return directory;
      await rm(directory, { recursive: true });
    } catch {
      // Not there, or not ours to write in.
    }
  }
  return undefined;
}
