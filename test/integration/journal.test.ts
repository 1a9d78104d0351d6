import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { entry, openEntries } from '../models/entry-journal.ts';
import { mountTinyDisk } from '../support/tiny-disk.ts';

let program: string;
let dir: string;
let path: string;

beforeAll(async () => {
  program = join(await mkdtemp(join(tmpdir(), 'journal-writer-')), 'writer.mjs');
  const entryPoint = fileURLToPath(new URL('./journal-writer.ts', import.meta.url));
  await build({ entryPoints: [entryPoint], outfile: program, bundle: true, platform: 'node', format: 'esm' });
});
afterAll(() => rm(join(program, '..'), { recursive: true, force: true }));
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'journal-'));
  path = join(dir, 'journal.ndjson');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

interface Writer {
  readonly child: ChildProcess;
  /** The last number that the process was told is kept; the one before its first where it was told nothing. */
  acknowledged(): number;
  readonly ended: Promise<number | null>;
}

const startWriter = (who: string, first: number, batches: number, onLine: () => void = () => undefined): Writer => {
  const args = [program, path, who, String(first), String(batches), '3000'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
    onLine();
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return { child, ended, acknowledged: () => Number(output.trimEnd().split('\n').at(-1) || first - 1) };
};

const numbers = (state: readonly string[], who: string): number[] =>
  state.filter((item) => item.startsWith(who)).map((item) => Number(item.slice(who.length)));
const upTo = (end: number): number[] => Array.from({ length: end }, (_, n) => n);

describe('the journal of real processes', () => {
  it('keeps all that was acknowledged through kill -9 in the middle of writing and compacting, and no half batch', async () => {
    let next = 0;
    for (let round = 0; round < 25; round += 1) {
      let lines = 0;
      const writer = startWriter('k', next, 1_000_000, () => {
        lines += 1;
        // A different moment in every round: within an append, and, every few appends, within a compaction.
        if (lines === 2 + (round % 7)) setTimeout(() => writer.child.kill('SIGKILL'), round * 0.7);
      });
      await writer.ended;
      const journal = await openEntries(path);
      const kept = numbers(journal.state(), 'k');
      await journal.close();
      expect(kept).toEqual(upTo(kept.length));
      expect(kept.length % 2).toBe(0);
      expect(kept.length).toBeGreaterThan(writer.acknowledged());
      expect(kept.length).toBeLessThanOrEqual(writer.acknowledged() + 3);
      next = kept.length;
    }
    expect((await readdir(dir)).filter((name) => !name.startsWith('.journal')).sort()).toEqual(
      ['journal.ndjson', 'journal.ndjson.1', 'journal.ndjson.lock'].sort(),
    );
  });

  it('loses nothing of two writers and a reader at once, and stays one chain', async () => {
    const reader = await openEntries(path);
    const writers = ['one', 'two'].map((who) => startWriter(who, 0, 150));
    const all = Promise.all(writers.map(({ ended }) => ended));
    let done = false;
    void all.then(() => {
      done = true;
    });
    let seen = 0;
    while (!done) {
      const state = await reader.refresh();
      expect(state.length).toBeGreaterThanOrEqual(seen);
      expect(state.length % 2).toBe(0);
      seen = state.length;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(await all).toEqual([0, 0]);
    const state = await reader.refresh();
    await reader.close();
    for (const who of ['one', 'two']) expect(numbers(state, who)).toEqual(upTo(300));
    const fresh = await openEntries(path);
    expect(fresh.state()).toEqual(state);
    await fresh.close();
  });

  it('costs little (figures)', async () => {
    const journal = await openEntries(path, { fold: () => [] });
    const times: number[] = [];
    const refreshes: number[] = [];
    for (let n = 0; n < 100; n += 1) {
      const start = performance.now();
      await journal.append([entry('t', n)]);
      const between = performance.now();
      await journal.refresh();
      times.push(between - start);
      refreshes.push(performance.now() - between);
    }
    const burst = performance.now();
    await Promise.all(upTo(100).map((n) => journal.append([entry('b', n)])));
    const burstMs = performance.now() - burst;
    await journal.close();
    const p50 = (list: number[]): string => `${list.sort((a, b) => a - b)[50]?.toFixed(2)} ms`;
    console.info(`append p50 ${p50(times)}, refresh p50 ${p50(refreshes)}, 100 at once ${burstMs.toFixed(1)} ms`);
    expect(burstMs).toBeLessThan(5_000);
  });
});

describe('a full disk', () => {
  it('fails the append, harms nothing, and goes on when there is room', async (context) => {
    const disk = mountTinyDisk(64);
    if (disk === undefined) return context.skip('mounting a small file system takes root');
    try {
      const filler = join(disk.dir, 'filler');
      await writeFile(filler, Buffer.alloc(40 * 1024));
      const file = join(disk.dir, 'journal.ndjson');
      const journal = await openEntries(file);
      let kept = 0;
      const refused = await (async () => {
        for (;;) {
          try {
            await journal.append([entry('x', kept), entry('y'.repeat(300), kept)]);
            kept += 1;
          } catch (error) {
            return error;
          }
        }
      })();
      expect(refused).toMatchObject({ name: 'JournalError', code: 'disk-full', retryable: true });
      expect(String(refused)).toContain('no space left');
      expect(kept).toBeGreaterThan(5);
      expect(numbers(journal.state(), 'x')).toEqual(upTo(kept));
      expect(journal.health()).toMatchObject({
        writable: { known: false },
        lastError: expect.stringContaining('no space'),
      });
      expect((await readFile(file)).at(-1)).toBe(0x0a);
      await expect(journal.compact()).rejects.toMatchObject({ name: 'JournalError', retryable: true });
      expect((await readdir(disk.dir)).filter((name) => name.includes('.tmp.'))).toEqual([]);

      await rm(filler);
      await journal.append([entry('x', kept)]);
      expect(journal.health().writable.known).toBe(true);
      const fresh = await openEntries(file);
      expect(numbers(fresh.state(), 'x')).toEqual(upTo(kept + 1));
      await fresh.close();
      await journal.close();
    } finally {
      disk.remove();
    }
  });
});
