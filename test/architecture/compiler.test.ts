import { afterAll, describe, expect, it } from 'vitest';
import { createCanary, runTool } from './tool.ts';

/** What the compiler has to refuse: [error, text]. */
const REFUSED: readonly (readonly [string, string])[] = [
  ['TS7006', 'export const implicitAny = (x) => x;'],
  ['TS2322', 'export const index: string = ([] as string[])[0];'],
  ['TS2375', 'export const exact: { a?: string } = { a: undefined as string | undefined };'],
  ['TS2322', 'export const strict: string = null;'],
  ['TS1294', 'export enum Kind {\n  A,\n}'],
  ['TS1484', "import { PathLike } from 'node:fs';\n\nexport type P = PathLike;"],
  ['TS4114', 'class A {\n  run(): void {}\n}\nexport class B extends A {\n  run(): void {}\n}'],
  [
    'TS7029',
    'export const fall = (x: number): void => {\n  switch (x) {\n    case 1:\n      x += 1;\n    default:\n  }\n};',
  ],
  ['TS2550', "export const late = ['x'].toSorted();"],
];

const canary = createCanary(
  {
    ...Object.fromEntries(REFUSED.map(([code, text], i) => [`src/${code}-${i}.ts`, `${text}\n`])),
    'src/fine.ts': "import { fine } from './other.ts';\n\nexport const alsoFine = fine;\n",
    'src/other.ts': 'export const fine = 1;\n',
    'vitest.config.ts': 'export const nothing = 0;\n',
  },
  ['tsconfig.json', 'package.json'],
);
afterAll(canary.remove);

describe('tsc', () => {
  const { exitCode, output } = runTool('tsc', ['-p', '.', '--pretty', 'false'], canary.dir);
  const found = output.split('\n').flatMap((line) => {
    const match = /^(src\/[^(]+)\(.*error (TS\d+)/.exec(line);
    return match === null ? [] : [`${match[1]} ${match[2]}`];
  });

  it.each(REFUSED.map(([code, text], i) => [code, text, i] as const))('can fail with %s: %j', (code, _, i) => {
    expect(found).toContain(`src/${code}-${i}.ts ${code}`);
  });

  it('says so with its exit code, and has no objection to what is fine', () => {
    expect(exitCode).toBeGreaterThan(0);
    expect(found.filter((line) => /fine|other/.test(line))).toEqual([]);
  });
});
