import { afterAll, describe, expect, it } from 'vitest';
import { createCanary, runTool } from './tool.ts';

const canary = createCanary(
  {
    'cli/blockhost-x.ts': "import { used } from '../src/used.ts';\n\nconsole.log(used);\n",
    'src/used.ts': 'export const used = 1;\nexport const forgotten = 2;\n',
    'src/nobody.ts': 'export const nobody = 1;\n',
    'package.json': '{ "name": "x", "type": "module", "devDependencies": { "rxjs": "1" } }\n',
  },
  ['knip.json', 'tsconfig.json'],
);
afterAll(canary.remove);

describe('knip', () => {
  const { exitCode, output } = runTool('knip', ['--no-progress', '--no-config-hints'], canary.dir);

  it('can fail: a file, an export and a package that nobody uses', () => {
    expect(exitCode).toBe(1);
    expect(output).toContain('src/nobody.ts');
    expect(output).toContain('forgotten');
    expect(output).toContain('rxjs');
    expect(output).not.toMatch(/^used /m);
  });
});
