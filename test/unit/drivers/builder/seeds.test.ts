import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeSeed, missingOfSeeds, removeSeed, renewNetwork } from '../../../../src/drivers/builder/seeds.ts';

const files = { userData: '#cloud-config\n', metaData: 'instance-id: a\n', networkConfig: 'version: 2\n' };

describe('a seed', () => {
  let dir = '';
  let places = { seedDirectory: '', seed: '' };
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'seeds-'));
    const seedDirectory = join(dir, 'cloud-init/blockhost-001');
    places = { seedDirectory, seed: join(seedDirectory, 'seed.iso') };
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(dir, { recursive: true, force: true });
  });

  it('is four documents and an ISO that the owner alone reads, and nothing else', async () => {
    await makeSeed(places, files);
    expect((await readdir(places.seedDirectory)).sort()).toEqual([
      'meta-data',
      'network-config',
      'seed.iso',
      'user-data',
      'vendor-data',
    ]);
    for (const name of await readdir(places.seedDirectory)) {
      expect((await stat(join(places.seedDirectory, name))).mode & 0o777).toBe(0o600);
    }
    const { stdout } = await execa('isoinfo', ['-R', '-i', places.seed, '-x', '/user-data']);
    expect(stdout).toBe('#cloud-config');
    const vendor = await execa('isoinfo', ['-R', '-i', places.seed, '-x', '/vendor-data']);
    expect(vendor.stdout).toBe('#cloud-config\nupdates: { network: { when: [ boot-new-instance, boot ] } }');
  });

  it('with another network is the same instance with the same user data', async () => {
    await makeSeed(places, files);
    await renewNetwork(places, 'version: 2\nethernets: {}\n');
    const onIso = async (name: string) =>
      (await execa('isoinfo', ['-R', '-i', places.seed, '-x', `/${name}`])).stdout.trim();
    expect(await onIso('network-config')).toBe('version: 2\nethernets: {}');
    expect(await onIso('meta-data')).toBe('instance-id: a');
    expect(await onIso('user-data')).toBe('#cloud-config');
  });

  it('that lacks what the guest was first told is not made anew: that would be another instance', async () => {
    await makeSeed(places, files);
    const before = await stat(places.seed);
    await rm(join(places.seedDirectory, 'meta-data'));
    await expect(renewNetwork(places, 'version: 2\n')).rejects.toMatchObject({
      code: 'seed-unknown',
      retryable: false,
    });
    expect((await stat(places.seed)).ino).toBe(before.ino);
  });

  it('made anew replaces the old one whole: who has that open keeps it', async () => {
    await makeSeed(places, files);
    const old = await stat(places.seed);
    await makeSeed(places, { ...files, userData: '#cloud-config\nhostname: b\n' });
    expect((await stat(places.seed)).ino).not.toBe(old.ino);
    expect(await readFile(join(places.seedDirectory, 'user-data'), 'utf8')).toContain('hostname: b');
  });

  it('is removed with everything in it, twice over', async () => {
    await makeSeed(places, files);
    await mkdir(join(places.seedDirectory, '.building-dead'));
    await writeFile(join(places.seedDirectory, '.building-dead/user-data'), 'half');
    await removeSeed(places);
    await removeSeed(places);
    expect(await readdir(join(dir, 'cloud-init'))).toEqual([]);
    await rm(join(dir, 'cloud-init'), { recursive: true });
    await removeSeed(places);
  });

  it('says what to install where its tool is not there, and leaves no ISO', async () => {
    vi.stubEnv('PATH', join(dir, 'nothing'));
    await expect(makeSeed(places, files)).rejects.toMatchObject({ code: 'cloud-localds-missing', retryable: false });
    await expect(stat(places.seed)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await missingOfSeeds(join(dir, 'probe'))).toBe(
      'cloud-localds is not installed or not whole; apt-get install cloud-image-utils',
    );
  });
});
