import { mkdir, mkdtemp, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { vendorData } from '../../domain/cloud-init/vendor-data.ts';
import { BlockhostError, HypervisorError } from '../../domain/errors.ts';
import type { MachinePlaces, SeedFiles } from '../../ports/machine-builder.ts';
import { syncDirectory, writeFileAtomic } from '../files/atomic-write.ts';
import { ensureTraversableDirectory, isErrno } from '../files/shared-ownership.ts';
import { explainWriteFailure } from '../files/write-failure.ts';

type SeedPlaces = Pick<MachinePlaces, 'seedDirectory' | 'seed'>;

const timeoutMs = 30_000;

/**
 * Writes the documents and the ISO that the guest reads, all 0600: user-data holds a secret, and libvirt gives the
 * ISO to qemu's user when the machine starts. Each file is the old one or the new one; safe to repeat.
 */
export const makeSeed = async ({ seedDirectory, seed }: SeedPlaces, files: SeedFiles): Promise<void> => {
  const documents: readonly (readonly [string, string])[] = [
    ['user-data', files.userData],
    ['meta-data', files.metaData],
    ['network-config', files.networkConfig],
    ['vendor-data', vendorData],
  ];
  await inWords(`write ${seedDirectory}`, async () => {
    await ensureTraversableDirectory(dirname(seedDirectory));
    await ensureTraversableDirectory(seedDirectory);
    for (const [name, text] of documents) await writeFileAtomic(join(seedDirectory, name), text, { mode: 0o600 });
    const work = await mkdtemp(join(seedDirectory, '.building-'));
    try {
      const iso = join(work, 'seed.iso');
      await buildIso(work, iso, (name) => join(seedDirectory, name));
      await settle(iso);
      await rename(iso, seed);
      await syncDirectory(seedDirectory);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  });
};

/** The same seed with another network document: instance and user data stay what the guest was first told. */
export const renewNetwork = async (places: SeedPlaces, networkConfig: string): Promise<void> => {
  const document = async (name: string): Promise<string> => {
    try {
      return await readFile(join(places.seedDirectory, name), 'utf8');
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error;
      throw new HypervisorError(`${places.seedDirectory} has no ${name}`, {
        code: 'seed-unknown',
        retryable: false,
        hint: 'put the files that the guest was made with back there, then acknowledge',
      });
    }
  };
  const [userData, metaData] = await inWords(`read ${places.seedDirectory}`, () =>
    Promise.all([document('user-data'), document('meta-data')]),
  );
  await makeSeed(places, { userData, metaData, networkConfig });
};

/** Removes the directory with everything in it; nothing there is no error. */
export const removeSeed = ({ seedDirectory }: SeedPlaces): Promise<void> =>
  inWords(`remove ${seedDirectory}`, async () => {
    try {
      await rm(seedDirectory, { recursive: true, force: true });
      await syncDirectory(dirname(seedDirectory));
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
    }
  });

/** Why seeds cannot be made here, found out by making one in `work`; undefined where they can. */
export const missingOfSeeds = async (work: string): Promise<string | undefined> => {
  await mkdir(work, { recursive: true });
  try {
    for (const name of ['user-data', 'meta-data', 'network-config', 'vendor-data'])
      await writeFileAtomic(join(work, name), '{}\n');
    await buildIso(work, join(work, 'seed.iso'), (name) => join(work, name));
    return undefined;
  } catch (error) {
    if (error instanceof BlockhostError) return `${error.message}; ${error.hint ?? ''}`;
    throw error;
  }
};

/** cloud-localds knows the label and the names that a guest looks for. What it unpacks for a moment stays in `work`. */
const buildIso = async (work: string, iso: string, document: (name: string) => string): Promise<void> => {
  const argv = [
    `--network-config=${document('network-config')}`,
    `--vendor-data=${document('vendor-data')}`,
    iso,
    document('user-data'),
    document('meta-data'),
  ];
  const result = await execa('cloud-localds', argv, {
    reject: false,
    timeout: timeoutMs,
    stdin: 'ignore',
    extendEnv: false,
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C.UTF-8', TMPDIR: work },
  });
  if (!result.failed) return;
  const missing = result.code === 'ENOENT' || /missing 'genisoimage'/.test(result.stderr);
  throw new HypervisorError(
    missing
      ? 'cloud-localds is not installed or not whole'
      : `cloud-localds failed: ${result.stderr.trim().split('\n').at(-1) ?? ''}`,
    {
      code: missing ? 'cloud-localds-missing' : 'cloud-localds-failed',
      retryable: !missing,
      hint: 'apt-get install cloud-image-utils',
    },
  );
};

const settle = async (iso: string): Promise<void> => {
  const handle = await open(iso, 'r+');
  try {
    await handle.chmod(0o600);
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const inWords = async <T>(doing: string, act: () => Promise<T>): Promise<T> => {
  try {
    return await act();
  } catch (error) {
    if (error instanceof BlockhostError) throw error;
    const { why, facts } = explainWriteFailure(error);
    throw new HypervisorError(`cannot ${doing}: ${why}`, facts);
  }
};
