import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
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

/** How a demo ended, and what it said last. */
export interface DemoRun {
  readonly exitCode: number | undefined;
  readonly table: z.infer<typeof tableSchema>;
  readonly end: string;
}

/** More than the demo gives itself. */
export const DEMO_LIMIT_MS = 660_000;

/** Plays the demo as a user does: as a process of its own. The bundle in dist/ is made before the tests run. */
export const runDemo = async (...args: readonly string[]): Promise<DemoRun> => {
  const directory = mkdtempSync(join(tmpdir(), 'blockhost-demo-test-'));
  try {
    const json = join(directory, 'table.json');
    const argv = [repositoryPath('dist/demo.mjs'), '--json', json, ...args];
    const options = { reject: false, timeout: DEMO_LIMIT_MS } as const;
    const { exitCode, stdout, stderr } = await execa(process.execPath, argv, options);
    const end = `${stdout.slice(-9000)}\n${stderr.slice(-2000)}`;
    if (!existsSync(json)) throw new Error(`the demo left no table; exit code ${exitCode}\n${end}`);
    return { exitCode, table: tableSchema.parse(JSON.parse(readFileSync(json, 'utf8'))), end };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};
