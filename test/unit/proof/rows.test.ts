import { describe, expect, it } from 'vitest';
import type { Row, Verdict } from '../../proof/row.ts';
import { rowsOfKilled } from '../../proof/rows-killed.ts';
import { samplePlants } from '../../proof/rows-planted.ts';
import { readSimulated, rowsOfSimulated } from '../../proof/rows-simulated.ts';
import { formatProof, holds } from '../../proof/table.ts';

const row = (verdict: Verdict, notes: readonly string[] = []): Row => ({
  ...{ what: 'soak', figure: '9 kills', wanted: '0 violations', verdict, notes },
});

describe('the table', () => {
  it('has a line for each row, in columns, and the notes below it', () => {
    const text = formatProof([row('ok'), { ...row('BROKEN', ['seed 7']), what: 'a longer name' }]);
    expect(text.split('\n')).toEqual([
      'what          | figure  | wanted       | verdict',
      '--------------+---------+--------------+--------',
      'soak          | 9 kills | 0 violations | ok',
      'a longer name | 9 kills | 0 violations | BROKEN',
      '',
      'a longer name: seed 7',
    ]);
  });

  it('holds where nothing is broken, and something was shown', () => {
    expect(holds([row('ok'), row('short')])).toBe(true);
    expect(holds([row('ok'), row('BROKEN')])).toBe(false);
    expect(holds([])).toBe(false);
  });
});

describe('the rows of the simulator', () => {
  const verdicts = (lines: readonly string[], breaks: readonly string[] = []): readonly Verdict[] =>
    rowsOfSimulated(readSimulated(lines), breaks).map(({ verdict }) => verdict);

  it('are read from what it prints at its end', () => {
    const lines = [
      'fault met  running',
      'cells: 121, of them zero: 21',
      '40 histories, 900 machine-days, 90 s, 0 broken',
    ];
    expect(readSimulated(lines)).toEqual({ histories: 40, machineDays: 900, broken: 0, cells: 121, zeroCells: 21 });
    expect(verdicts(lines)).toEqual(['ok', 'ok']);
  });

  it('say that few cells are short, and a violation is broken', () => {
    expect(verdicts(['cells: 100, of them zero: 80', '4 histories, 9 machine-days, 9 s, 0 broken'])).toEqual([
      'ok',
      'short',
    ]);
    const broken = ['cells: 100, of them zero: 8', '4 histories, 9 machine-days, 9 s, 1 broken'];
    expect(verdicts(broken, ['seed 3 breaks paid-runs: x'])).toEqual(['BROKEN', 'ok']);
  });

  it('are broken where it did not come to its end', () => {
    expect(verdicts(['cells: 100, of them zero: 8'])).toEqual(['BROKEN']);
    expect(verdicts([])).toEqual(['BROKEN']);
  });
});

describe('the rows of killed processes', () => {
  const result = (file: string, statuses: readonly string[]) => ({
    name: `/somewhere/test/integration/${file}.test.ts`,
    status: statuses.includes('failed') ? 'failed' : 'passed',
    assertionResults: statuses.map((status, index) => ({ title: `${file} ${index}`, status })),
  });
  const printed = `create's crash points with real processes: 8 of 26; {}
  destroy's crash points with real processes: 8 of 64
  create on a real host: 8 of 40 crash points, seed 7: {}`;

  it('have the figures that the tests print, and are broken where one failed', () => {
    const testResults = [
      result('create-killed', ['passed', 'passed']),
      result('destroy-killed', ['failed']),
      result('create-killed-real', ['skipped']),
    ];
    expect(rowsOfKilled({ testResults }, printed)).toMatchObject([
      { figure: '8 of 26 crash points; 0 tests failed', verdict: 'ok' },
      { figure: '8 of 64 crash points; 1 tests failed', verdict: 'BROKEN', notes: ['destroy-killed 0'] },
      { figure: 'cannot be tried here', verdict: 'short' },
    ]);
  });

  it('are broken where a file did not come to its end', () => {
    expect(rowsOfKilled(undefined, '').map(({ verdict }) => verdict)).toEqual(['BROKEN', 'BROKEN', 'BROKEN']);
    const cut = { ...result('create-killed', []), status: 'failed' };
    expect(rowsOfKilled({ testResults: [cut] }, '')[0]).toMatchObject({ verdict: 'BROKEN' });
  });
});

it('the sample of plants is the same for the same seed, and another for another', () => {
  const names = (seed: number): readonly string[] => samplePlants(seed, 3).map(({ name }) => name);
  expect(names(1)).toHaveLength(3);
  expect(names(1)).toEqual(names(1));
  expect(new Set([1, 2, 3, 4, 5].map((seed) => names(seed).join())).size).toBeGreaterThan(1);
});
