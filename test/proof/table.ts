import type { Row } from './row.ts';

const HEADER = { what: 'what', figure: 'figure', wanted: 'wanted', verdict: 'verdict' } as const;
const COLUMNS = ['what', 'figure', 'wanted', 'verdict'] as const;

/** The one table of what was shown, and below it what does not fit into it. */
export const formatProof = (rows: readonly Row[]): string => {
  const lines = [HEADER, ...rows];
  const widths = COLUMNS.map((column) => Math.max(...lines.map((line) => line[column].length)));
  const text = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join(' | ')
      .trimEnd();
  const [header = '', ...body] = lines.map((line) => text(COLUMNS.map((column) => line[column])));
  const rule = widths.map((width) => '-'.repeat(width)).join('-+-');
  const notes = rows.flatMap(({ what, notes: own }) => own.map((note) => `${what}: ${note}`));
  return [header, rule, ...body, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n');
};

/** Nothing is broken, and something was shown at all. */
export const holds = (rows: readonly Row[]): boolean =>
  rows.length > 0 && rows.every(({ verdict }) => verdict !== 'BROKEN');
