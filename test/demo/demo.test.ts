import { randomInt } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { repositoryPath } from '../lab/repository.ts';

const tableSchema = z.array(
  z.strictObject({
    scene: z.int(),
    expected: z.string().min(1),
    observed: z.string().min(1),
    ok: z.boolean(),
    latencyMs: z.number().nonnegative().nullable(),
  }),
);

interface Run {
  readonly exitCode: number | undefined;
  readonly table: z.infer<typeof tableSchema>;
  readonly end: string;
}

/** More than the demo gives itself. */
const LIMIT_MS = 660_000;
const directory = mkdtempSync(join(tmpdir(), 'blockhost-demo-test-'));

/** Plays the demo as a user does: as a process of its own. The bundle in dist/ is made before the tests run. */
const demo = async (name: string, ...args: readonly string[]): Promise<Run> => {
  const json = join(directory, `${name}.json`);
  const argv = [repositoryPath('dist/demo.mjs'), '--json', json, ...args];
  const { exitCode, stdout, stderr } = await execa(process.execPath, argv, { reject: false, timeout: LIMIT_MS });
  const end = `${stdout.slice(-9000)}\n${stderr.slice(-2000)}`;
  if (!existsSync(json)) throw new Error(`the demo left no table; exit code ${exitCode}\n${end}`);
  return { exitCode, table: tableSchema.parse(JSON.parse(readFileSync(json, 'utf8'))), end };
};

const TITLES = [
  'a subscription runs out: the guest powers itself off, the record says suspended',
  "it is extended on the chain: the guest runs again, the record carries exactly the chain's expiresAt",
  'grace passes: destroyed; a late payment brings the same machine back (C11, D21); a third is purged for good',
  'a cancellation is an expiry (D20); the login right follows a minted NFT, and not a reserved one (D25)',
  'a killed qemu runs again, an owner who powers off finds the machine off (D16)',
  'a guest that ignores every request is suspended by escalation',
  'a daemon killed in the middle of a suspend finishes it, once (L4)',
  'what happened on the chain while the daemon was stopped is found afterwards (C4)',
  'no endpoint across an expiry: no harm, said so, and made up for afterwards (L3)',
  'a reorg takes back an extension and a cancellation: state follows the canonical chain (C5, C6)',
];

/** How `--break` sabotages each scene. */
const SABOTAGED = [
  'it is paid before it runs out',
  'it is not extended',
  'nobody pays late',
  'it is not cancelled',
  'an operator holds the machine whose qemu is killed',
  'an operator protects the machine that is due',
  'nobody starts the daemon again',
  'it is not extended meanwhile',
  'the endpoints do not die',
  'there is no reorg',
].map((how, index) => ({ broken: index + 1, how }));
/** One of them is played, drawn by this number; with FULL=1 all of them. */
const BREAK_SEED = Number(process.env.BREAK_SEED ?? randomInt(2 ** 31));
const broken = process.env.FULL ? SABOTAGED : [SABOTAGED[BREAK_SEED % SABOTAGED.length]];

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('the demo', () => {
  let run: Run;

  beforeAll(async () => {
    run = await demo('all');
  }, LIMIT_MS);

  it.each(TITLES.map((title, index) => ({ scene: index + 1, title })))('scene $scene: $title', ({ scene }) => {
    const row = run.table.find((one) => one.scene === scene);
    expect(row, run.end).toMatchObject({ ok: true });
    expect(row?.latencyMs).toBeGreaterThan(0);
  });

  it('ends with 0 when all held, and every scene has one row', () => {
    expect(run.exitCode, run.end).toBe(0);
    expect(run.table.map(({ scene }) => scene)).toEqual(TITLES.map((_, index) => index + 1));
  });
});

describe('the demo of one scene alone', () => {
  it.each(broken.flatMap((one) => one ?? []))(
    'ends with 1 when scene $broken is sabotaged: $how',
    async ({ broken: scene }) => {
      const alone = ['--break', String(scene), '--only', String(scene)];
      const { exitCode, table, end } = await demo(`break-${scene}`, ...alone);
      const where = `BREAK_SEED=${BREAK_SEED}\n${end}`;
      expect(exitCode, where).toBe(1);
      // A scene that goes on where another one ended brings that one along, and that one holds.
      expect(
        table.filter(({ ok }) => !ok).map((row) => row.scene),
        where,
      ).toEqual([scene]);
    },
    LIMIT_MS,
  );
});
