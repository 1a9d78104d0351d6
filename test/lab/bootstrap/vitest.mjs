// One vitest run, and the two things one wants to know at its end: what was slow, and how many passed.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

/** Runs the tests, prints the five slowest files and, as the last line, `N passed, N failed`; resolves to an exit code. */
export async function runVitest(vitest, args) {
  const dir = mkdtempSync(join(tmpdir(), 'blockhost-vitest-'));
  const file = join(dir, 'report.json');
  const times = join(dir, 'times.json');
  process.env.BLOCKHOST_FILE_TIMES = times;
  const { code } = await run([
    vitest,
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
    `--reporter=${fileURLToPath(new URL('file-times.mjs', import.meta.url))}`,
    ...args,
  ]);
  const { passed, failed } = readReport(file);
  const files = readTimes(times);
  rmSync(dir, { recursive: true, force: true });
  // Vitest can fail without a failed test: a crash, an unhandled error, no file at all.
  const failures = failed === 0 && code !== 0 ? 1 : failed;
  if (files.length > 0) console.log(`\nslowest files:\n${files.slice(0, 5).map(line).join('\n')}`);
  console.log(`${passed} passed, ${failures} failed`);
  return failures === 0 ? 0 : code || 1;
}

function readReport(file) {
  try {
    const { testResults } = JSON.parse(readFileSync(file, 'utf8'));
    const tests = testResults.flatMap((result) => result.assertionResults);
    const count = (status) => tests.filter((test) => test.status === status).length;
    // A file that cannot even be loaded has no tests that could fail.
    const broken = testResults.filter(
      ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
    );
    return { passed: count('passed'), failed: count('failed') + broken.length };
  } catch {
    return { passed: 0, failed: 0 };
  }
}

function readTimes(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).sort((a, b) => b.ms - a.ms);
  } catch {
    return [];
  }
}

function line({ name, ms }) {
  return `  ${(ms / 1000).toFixed(1).padStart(6)} s  ${relative(process.cwd(), name)}`;
}
