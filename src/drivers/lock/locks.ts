import { join } from 'node:path';
import { BlockhostError } from '../../domain/errors.ts';
import type { Locks } from '../../ports/lock.ts';
import { ensureSharedDirectory } from '../files/shared-ownership.ts';
import { withFlock } from './flock.ts';

// A pattern and no schema library: the quickest commands (`kill`, `status`) take this lock, too.
const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Locks with one file per machine in `dir`, named after its UUID (L2, D26). The files are never removed: removing one that
 * somebody waits for would split the lock in two.
 */
export const createLocks = ({ dir }: { readonly dir: string }): Locks => ({
  withCreate: async (name, { waitMs }, body) => {
    await ensureSharedDirectory(dir);
    // Any name makes a file name; what is a good name for a machine is decided elsewhere.
    return withFlock(join(dir, `create-${Buffer.from(name).toString('base64url')}.lock`), { waitMs }, body);
  },
  withAllocation: async ({ waitMs }, body) => {
    await ensureSharedDirectory(dir);
    return withFlock(join(dir, 'allocation.lock'), { waitMs }, body);
  },
  withMachine: async (uuid, { waitMs }, body) => {
    if (!uuidPattern.test(uuid)) {
      const facts = { code: 'lock-name', retryable: false, hint: 'a lower-case domain UUID is wanted' };
      throw new BlockhostError(`no machine can have the UUID ${JSON.stringify(uuid)}`, facts);
    }
    await ensureSharedDirectory(dir);
    return withFlock(join(dir, `${uuid}.lock`), { waitMs }, body);
  },
});
