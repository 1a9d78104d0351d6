import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildCommandProcess, type CommandProcess, CRASH_SEED, sampleOf } from './crash-points.ts';
import { OPERATIONS } from './crash-table.ts';

/*
 * Every operation of the daemon and of the commands as a real process, with the journal, locks, records and quarantine that
 * ship, kills itself (SIGKILL) before and after each of its effects; domains, guests, disks, clock and chain are files
 * (test/models/file-*.ts). The effects are those of the undisturbed life; who dies before one leaves what he leaves after the
 * one before it, so that each such state is met once. Whoever comes next, the daemon or the same
 * command again, must come to where the undisturbed life ends. create and destroy have tests of their own besides.
 */

/** Without FULL=1, so many operations, and so many points of each. */
const OPERATIONS_DRAWN = 6;
const POINTS_DRAWN = 3;
/** So many operations at one time: a process that starts mostly waits. */
const WIDTH = 3;

interface Point {
  readonly at: number;
  readonly when: 'before' | 'after';
  readonly by: 'rest' | 'again';
}

let killer: CommandProcess;
let work: string;

beforeAll(async () => {
  killer = await buildCommandProcess('crash-process.ts');
  work = await mkdtemp(join(tmpdir(), 'operations-killed-'));
});
afterAll(async () => {
  await killer?.remove();
  if (work) await rm(work, { recursive: true, force: true });
});

/** One operation on its own host: what it ended in, at each of the points that were drawn. */
const playOperation = async (number: number) => {
  const parent = join(work, String(number));
  const operation = OPERATIONS[number];
  if (operation === undefined) throw new Error(`no operation ${number}`);
  const { name, command, daemonDoesNotFinish, addsUp } = operation;
  const run = (task: string, at = 0, when = '') => killer.run([parent, String(number), task, String(at), when]);
  const text = (file: string): Promise<string> => readFile(join(parent, file), 'utf8');
  expect(await run('prepare'), name).toMatchObject({ exitCode: 0, stderr: '' });
  const end = await text('end');
  // A command that died before it had said anything was never given.
  const calm = command === undefined ? undefined : await text('calm');
  const trace = (await text('trace')).trim().split('\n');
  const firstWord = trace.indexOf('journal.append') + 1;
  const deaths = [
    { at: 1, when: 'before' } as const,
    ...trace.map((_, index) => ({ at: index + 1, when: 'after' }) as const),
  ];
  const byCommand = daemonDoesNotFinish ? (['again'] as const) : (['rest', 'again'] as const);
  const lives = command === undefined || addsUp ? (['rest'] as const) : byCommand;
  const every = deaths.flatMap((death) => lives.map((by): Point => ({ ...death, by })));
  const points = sampleOf(every, Math.min(POINTS_DRAWN, every.length));
  const astray: string[] = [];
  for (const { at, when, by } of points) {
    await rm(join(parent, 'host'), { recursive: true, force: true });
    await cp(join(parent, 'image'), join(parent, 'host'), { recursive: true });
    const where = `${name}: ${when} ${trace[at - 1]} (${at} of ${trace.length}), then ${by}`;
    const died = await run('act', at, when);
    const next = await run(by);
    if (died.signal !== 'SIGKILL' || next.exitCode !== 0) {
      astray.push(`${where}: ${died.signal ?? 'it lived'}, ${next.exitCode}: ${died.stderr}${next.stderr}`);
      continue;
    }
    const silent = by === 'rest' && (at < firstWord || (at === firstWord && when === 'before'));
    if (next.stdout !== end && !(silent && next.stdout === calm)) {
      astray.push(`${where}\n${difference(end, next.stdout)}`);
    }
  }
  await rm(parent, { recursive: true, force: true });
  const drawn = points.length === every.length ? '' : ` (of ${every.length})`;
  console.info(`${name}: crash points: ${points.length - astray.length}/${points.length} converge${drawn}`);
  return { points: points.length, astray };
};

/** The lines of two states that differ, each with what it is in the other. */
const difference = (wanted: string, found: string): string => {
  const [ours, theirs] = [wanted.split('\n'), found.split('\n')];
  const missing = ours.filter((line) => !theirs.includes(line)).map((line) => `  - ${line.trim()}`);
  const surplus = theirs.filter((line) => !ours.includes(line)).map((line) => `  + ${line.trim()}`);
  return [...missing, ...surplus].slice(0, 20).join('\n');
};

const allOf = async <T, R>(items: readonly T[], width: number, body: (item: T) => Promise<R>): Promise<R[]> => {
  const waiting = items.entries();
  const done: R[] = [];
  const worker = async (): Promise<void> => {
    for (const [index, item] of waiting) done[index] = await body(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return done;
};

describe('an operation of real processes', () => {
  it('killed before or after any of its effects ends where it ends undisturbed (L4, L5)', {
    timeout: 7_200_000,
  }, async () => {
    const only = process.env.CRASH_ONLY?.split(',').map(Number);
    const numbers = only ?? sampleOf([...OPERATIONS.keys()], OPERATIONS_DRAWN);
    const results = await allOf(numbers, WIDTH, playOperation);
    const sum = results.reduce((total, { points }) => total + points, 0);
    const astray = results.flatMap((result) => result.astray);
    console.info(`crash points: ${sum - astray.length}/${sum} converge, of ${results.length} operations`);
    expect(astray.join('\n'), `CRASH_SEED=${CRASH_SEED}`).toBe('');
  });
});
