// node_modules as package-lock.json wants them.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, say } from './run.mjs';

/** Runs `npm ci` unless node_modules was installed from this very package-lock.json; false when that failed. */
export async function provideNodeModules(root) {
  const lock = join(root, 'package-lock.json');
  const stamp = join(root, 'node_modules', '.installed-from');
  const digest = createHash('sha256').update(readFileSync(lock)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return true;
  if (!installedByHand(root, lock)) {
    say('installing the npm packages of package-lock.json (npm ci)');
    const { code, output } = await run(['npm', 'ci', '--no-audit', '--no-fund'], { quiet: true, label: 'npm ci' });
    if (code !== 0) {
      say(`${output.trimEnd()}\nnpm ci failed with exit code ${code}.`);
      return false;
    }
  }
  writeFileSync(stamp, digest);
  return true;
}

/** npm writes node_modules/.package-lock.json last: newer than the lock file means it was installed after it. */
function installedByHand(root, lock) {
  const written = join(root, 'node_modules', '.package-lock.json');
  return existsSync(written) && statSync(written).mtimeMs >= statSync(lock).mtimeMs;
}
