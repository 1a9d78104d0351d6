import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import * as z from 'zod';
import { repositoryPath } from '../lab/repository.ts';
import type { Occasion, Row } from './row.ts';

/** The tests that kill real processes, and how each of them says how many points it took. */
const FILES = [
  {
    file: 'create-killed.test.ts',
    what: 'create, killed',
    told: /create's crash points with real processes: (\d+) of (\d+)/,
  },
  {
    file: 'destroy-killed.test.ts',
    what: 'destroy, killed',
    told: /destroy's crash points with real processes: (\d+) of (\d+)/,
  },
  {
    file: 'create-killed-real.test.ts',
    what: 'create, killed on a real host',
    told: /create on a real host: (\d+) of (\d+) crash points/,
  },
] as const;

const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ title: z.string(), status: z.string() })),
    }),
  ),
});
type Report = z.infer<typeof reportSchema>;

/** One row for each file, of vitest's report and of what the tests printed. */
export const rowsOfKilled = (report: Report | undefined, printed: string): readonly Row[] =>
  FILES.map(({ file, what, told }) => {
    const result = report?.testResults.find(({ name }) => basename(name) === file);
    const of = (status: string): number =>
      result?.assertionResults.filter((test) => test.status === status).length ?? 0;
    const [, taken = '?', all = '?'] = told.exec(printed) ?? [];
    const nothing = result !== undefined && of('passed') === 0 && of('failed') === 0;
    const passed = result?.status === 'passed' && of('failed') === 0;
    const figure = nothing ? 'cannot be tried here' : `${taken} of ${all} crash points; ${of('failed')} tests failed`;
    return {
      what,
      figure: result === undefined ? 'it was not run to its end' : figure,
      wanted: 'all or nothing, at every point',
      verdict: nothing && passed ? 'short' : passed ? 'ok' : 'BROKEN',
      notes: result?.assertionResults.filter(({ status }) => status === 'failed').map(({ title }) => title) ?? [],
    };
  });

const readReport = async (file: string): Promise<Report | undefined> => {
  try {
    return reportSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
};

/** Runs those tests as they are, by vitest, with the crash points that this seed chooses. */
export const killProcesses = async ({ seed, progress, signal }: Occasion): Promise<readonly Row[]> => {
  const directory = await mkdtemp(join(tmpdir(), 'bh-proof-'));
  try {
    const report = join(directory, 'report.json');
    const child = execa(
      process.execPath,
      [
        repositoryPath('node_modules/vitest/vitest.mjs'),
        'run',
        ...FILES.map(({ file }) => `test/integration/${file}`),
        ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
      ],
      {
        ...{ cwd: repositoryPath('.'), reject: false, stdin: 'ignore', all: true, cancelSignal: signal },
        env: { CRASH_SEED: String(seed), CREATE_SEED: String(seed), NO_COLOR: '1', FORCE_COLOR: '0' },
      },
    );
    let printed = '';
    for await (const line of child.iterable({ from: 'all' })) {
      printed += `${line}\n`;
      if (FILES.some(({ told }) => told.test(String(line))) || /\d+ ms after /.test(String(line)))
        progress(String(line).trim());
    }
    return rowsOfKilled(await readReport(report), printed);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
