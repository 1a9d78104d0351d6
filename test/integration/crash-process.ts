import { readFileSync, writeFileSync } from 'node:fs';
import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { explain } from '../../src/domain/errors.ts';
import { type CrashHost, openCrashHost } from './crash-host.ts';
import { stateOf } from './crash-state.ts';
import { A_WHILE_MS, OPERATIONS, type Operation } from './crash-table.ts';
import type { End } from './dying.ts';

/**
 * A process of one operation's host. argv: directory, number of the operation, what is to be done, and before or after which
 * of its effects the process kills itself. `prepare` makes the host as the operation finds it and lives its life undisturbed;
 * `act` is the operation; `rest` is the next daemon; `again` is the same command once more, and then the daemon.
 */
const [parent = '', number = '0', task = '', at = '0', when = ''] = process.argv.slice(2);
const operation = OPERATIONS[Number(number)];
if (operation === undefined) throw new Error(`no operation ${number}`);
const dir = join(parent, 'host');
const image = join(parent, 'image');

const open = (end: End = { at: 0, when: '' }): Promise<CrashHost> =>
  openCrashHost(dir, { end, ...(operation.policy === undefined ? {} : { policy: operation.policy }) });
const inHost = async <T>(body: (host: CrashHost) => Promise<T>, end?: End): Promise<T> => {
  const host = await open(end);
  try {
    return await body(host);
  } finally {
    await host.close();
  }
};
const began = (): number => Number(readFileSync(join(dir, 'began'), 'utf8'));

const act = async (host: CrashHost, { command }: Operation): Promise<void> => {
  if (command === undefined) await host.daemonUntil(began() + A_WHILE_MS);
  else await command(host);
};
const rest = async (host: CrashHost, { meanwhile }: Operation): Promise<string> => {
  host.dying.spare();
  meanwhile?.(host);
  await host.daemonUntil(began() + 3 * A_WHILE_MS);
  return stateOf(host);
};

const prepare = async (): Promise<void> => {
  await mkdir(dir, { recursive: true });
  await inHost(async (host) => {
    host.dying.spare();
    await operation.stage(host);
    writeFileSync(join(dir, 'began'), String(host.clock.nowUnixMs()));
  });
  await cp(dir, image, { recursive: true });
  if (operation.command !== undefined) {
    writeFileSync(join(parent, 'calm'), await inHost((host) => rest(host, operation)));
    await rm(dir, { recursive: true });
    await cp(image, dir, { recursive: true });
  }
  await inHost((host) => act(host, operation));
  writeFileSync(join(parent, 'trace'), readFileSync(join(dir, 'trace')));
  writeFileSync(join(parent, 'end'), await inHost((host) => rest(host, operation)));
};

const tasks: Readonly<Record<string, () => Promise<unknown>>> = {
  prepare,
  act: () => inHost((host) => act(host, operation), { at: Number(at), when }),
  rest: async () => process.stdout.write(await inHost((host) => rest(host, operation))),
  again: async () => {
    await inHost((host) => {
      host.dying.spare();
      return act(host, operation).catch((error: unknown) => process.stderr.write(`${explain(error)}\n`));
    });
    process.stdout.write(await inHost((host) => rest(host, operation)));
  },
};
await tasks[task]?.();
