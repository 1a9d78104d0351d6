import { afterAll, describe, expect, it } from 'vitest';
import { createCanary, runTool } from './tool.ts';

const SUBSCRIBE = "import { of } from 'rxjs';\n\nof(1).subscribe();\n";
const TIMER = 'export const wait = (run: () => void): unknown => setTimeout(run, 1);\n';

/** What the linter has to find: [rule, file, text]. Rules of our own all bear the name `plugin`. */
const FORBIDDEN: readonly (readonly [string, string, string])[] = [
  ['noFloatingPromises', 'src/drivers/a.ts', 'const go = async (): Promise<void> => {};\ngo();\n'],
  ['noBarrelFile', 'src/drivers/b.ts', "export * from './c.ts';\n"],
  ['noDefaultExport', 'src/drivers/d.ts', 'export default 1;\n'],
  ['noNonNullAssertion', 'src/drivers/e.ts', 'export const e = (x?: string): string => x!;\n'],
  ['noExplicitAny', 'src/drivers/f.ts', 'export const f = (x: any): string => x;\n'],
  ['noConsole', 'src/daemon/g.ts', "console.log('x');\n"],
  ['noRestrictedGlobals', 'src/daemon/h.ts', TIMER],
  ['noRestrictedGlobals', 'streams/i.ts', 'export const i = setInterval;\n'],
  ['plugin', 'src/daemon/subject.ts', "import { Subject } from 'rxjs';\n\nexport const s = new Subject();\n"],
  [
    'plugin',
    'streams/typed-subject.ts',
    "import { Subject } from 'rxjs';\n\nexport const s = new Subject<number>();\n",
  ],
  [
    'plugin',
    'src/drivers/behavior.ts',
    "import { BehaviorSubject } from 'rxjs';\n\nexport const s = new BehaviorSubject<number>(1);\n",
  ],
  [
    'plugin',
    'streams/replay.ts',
    "import { ReplaySubject } from 'rxjs';\n\nexport const s = new ReplaySubject<number>(1, 2);\n",
  ],
  ['plugin', 'streams/subscribes.ts', SUBSCRIBE],
  ['plugin', 'src/operations/subscribes.ts', SUBSCRIBE],
  ['plugin', 'cli/subscribes.ts', SUBSCRIBE],
  [
    'plugin',
    'streams/awaits.ts',
    "import { lastValueFrom, of } from 'rxjs';\n\nexport const x = lastValueFrom(of(1));\n",
  ],
  ['plugin', 'src/domain/now.ts', 'export const now = Date.now();\n'],
  ['plugin', 'src/domain/clock.ts', 'export const clock = Date.now;\n'],
  ['plugin', 'src/operations/date.ts', 'export const today = new Date();\n'],
  ['plugin', 'streams/chance.ts', 'export const chance = Math.random();\n'],
];

/** What has to stay allowed. */
const ALLOWED: readonly (readonly [string, string])[] = [
  ['src/domain/iso.ts', 'export const iso = (ms: number): string => new Date(ms).toISOString();\n'],
  ['src/drivers/clock/system-clock.ts', `${TIMER}export const now = Date.now();\n`],
  ['src/daemon/main.ts', SUBSCRIBE],
  ['streams/operators/own.ts', SUBSCRIBE],
  ['test/unit/any.test.ts', `${SUBSCRIBE}console.log(new Date());\n`],
  ['cli/blockhost-x.ts', "console.log('x');\n"],
];

const canary = createCanary(Object.fromEntries([...FORBIDDEN.map(([, file, text]) => [file, text]), ...ALLOWED]), [
  'biome.json',
  'test/architecture/rules',
]);
afterAll(canary.remove);

interface Report {
  readonly diagnostics: readonly {
    readonly category: string | null;
    readonly severity: string;
    readonly location: { readonly path: string | { readonly file: string } | null };
  }[];
}

describe('biome', () => {
  const { exitCode, output } = runTool('biome', ['lint', '--reporter=json', '--max-diagnostics=none', '.'], canary.dir);
  const report: Report = JSON.parse(output);
  const found = report.diagnostics
    .filter(({ severity }) => severity === 'error')
    .map(({ category, location: { path } }) => {
      const file = typeof path === 'string' ? path : (path?.file ?? '');
      return `${category?.split('/').at(-1)}: ${file.replace(/^\.\//, '')}`;
    });

  it('says so with its exit code', () => {
    expect(exitCode).toBe(1);
  });

  it.each(FORBIDDEN)('can fail: %s in %s', (rule, file) => {
    expect(found).toContain(`${rule}: ${file}`);
  });

  it.each(ALLOWED)('has no objection to %s', (file) => {
    expect(found.filter((line) => line.endsWith(`: ${file}`))).toEqual([]);
  });
});
