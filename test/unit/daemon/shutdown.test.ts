import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../cli/bundled.ts';

const PROGRAM = `
import { onStopSignal } from './src/daemon/shutdown.ts';
const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
const keepAlive = setInterval(() => undefined, 1000);
const stop = onStopSignal({ log });
stop.addEventListener('abort', () => {
  if (process.argv[2] === 'drains') setTimeout(() => { clearInterval(keepAlive); process.exitCode = 0; }, 300);
});
console.log('ready');
`;

let directory = '';
let program = '';

const start = async (how: 'drains' | 'hangs'): Promise<ChildProcess> => {
  const child = spawn(process.execPath, [program, how], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout) await once(child.stdout, 'data');
  return child;
};
const ended = async (child: ChildProcess): Promise<number | null> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
};

describe('a stop signal', () => {
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'stop-'));
    program = await bundle(directory, { text: PROGRAM });
  }, 60_000);
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s ends a daemon that has drained at once and with 0, not at the limit of draining (D4)',
    async (signal) => {
      const child = await start('drains');
      const startedMs = performance.now();
      child.kill(signal);
      expect(await ended(child)).toBe(0);
      expect(performance.now() - startedMs).toBeLessThan(5000);
    },
  );

  it('ends a daemon that hangs at once when it comes twice, and asks to be started again (D4)', async () => {
    const child = await start('hangs');
    child.kill('SIGTERM');
    const quiet = await Promise.race([ended(child), new Promise((resolve) => setTimeout(resolve, 500, 'still there'))]);
    expect(quiet).toBe('still there');
    child.kill('SIGTERM');
    expect(await ended(child)).toBe(75);
  });
});
