import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { parseSamplePair, type SamplePair } from '../../domain/host-sample.ts';
import type { SampleStore } from '../../ports/sampler.ts';

/** Group reads and writes: the daemon and each command keep the same files (D26). */
const SAMPLE_FILE_MODE = 0o660;

/**
 * Keeps a pair of samples in a file that is replaced whole. Read and written synchronously, and not made to survive a power cut: the
 * next boot has another clock anyway. What cannot be read or written is as if it were not there.
 */
export const createSampleFile = (path: string, bootId: string): SampleStore => ({
  read: () => {
    try {
      return parseSamplePair(readFileSync(path, 'utf8'), bootId);
    } catch {
      return undefined;
    }
  },
  write: (pair: SamplePair) => {
    const passing = `${path}.${process.pid}.new`;
    try {
      writeFileSync(passing, JSON.stringify(pair), { mode: SAMPLE_FILE_MODE, flag: 'wx' });
      chmodSync(passing, SAMPLE_FILE_MODE);
      renameSync(passing, path);
    } catch {
      rmSync(passing, { force: true });
    }
  },
});
