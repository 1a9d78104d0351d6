import { existsSync, readdirSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../lab/processes.ts';

const PREFIX = 'bh-demo-';

/**
 * Makes the one directory that everything of this run is below; its name is short (unix sockets) and carries our pid,
 * so that what a run left behind that was killed with -9 is found and removed by the next one.
 */
export const createWorkplace = async (): Promise<string> => {
  for (const name of readdirSync(tmpdir())) {
    const pid = /^bh-demo-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)) && !existsSync(join(tmpdir(), name, 'kept'))) {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    }
  }
  const directory = join(tmpdir(), `${PREFIX}${process.pid}`);
  await mkdir(directory, { recursive: true, mode: 0o755 });
  return directory;
};
