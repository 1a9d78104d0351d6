import type { SceneResult } from './claims.ts';

const wrap = (text: string, width: number): string[] => {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
};

const HEADER = ['scene', 'expected', 'observed', 'ok', 'latency'] as const;
const FIXED = { scene: 5, ok: 3, latency: 8 };
const NARROWEST = 28;

const latency = (ms: number | null): string => (ms === null ? '-' : `${(ms / 1000).toFixed(1)} s`);

/** Puts each observation beside what was expected, line by line. */
const pair = (expected: readonly string[], observed: readonly string[], width: number): string[][] =>
  Array.from({ length: Math.max(expected.length, observed.length) }).flatMap((_, index) => {
    const left = wrap(expected[index] ?? '', width);
    const right = wrap(observed[index] ?? '', width);
    return Array.from({ length: Math.max(left.length, right.length) }, (_unused, line) => [
      left[line] ?? '',
      right[line] ?? '',
    ]);
  });

/** The table as text, `width` characters wide; claims and observations of a scene stand one below the other. */
export const formatTable = (results: readonly SceneResult[], width: number): string => {
  const free = width - FIXED.scene - FIXED.ok - FIXED.latency - 4 * 3;
  const column = Math.max(NARROWEST, Math.floor(free / 2));
  const widths = [FIXED.scene, column, column, FIXED.ok, FIXED.latency];
  const row = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join(' | ')
      .trimEnd();
  const rule = widths.map((count) => '-'.repeat(count)).join('-+-');
  const rows = results.flatMap(({ scene, expected, observed, ok, latencyMs }) => {
    const claims = pair(expected.split('; '), observed.split('; '), column);
    const sides = claims.length === 0 ? [['', '']] : claims;
    const lines = sides.map(([left = '', right = ''], line) =>
      row(line === 0 ? [String(scene), left, right, ok ? 'yes' : 'NO', latency(latencyMs)] : ['', left, right]),
    );
    return [...lines, rule];
  });
  return [row(HEADER), rule, ...rows].join('\n');
};
