import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createCanary } from './tool.ts';

const shared =
  "import { Command } from 'commander';\n\nexport const name = (text: string): string => new Command(text).name();\n";
const program = (text: string): string => `import { name } from '../src/shared.ts';\n\nconsole.log(name('${text}'));\n`;

const bundle = (dir: string) => spawnSync(process.execPath, ['debian/bundle.mjs'], { cwd: dir, encoding: 'utf8' });

describe('debian/bundle.mjs', () => {
  const canary = createCanary(
    {
      'src/shared.ts': shared,
      'cli/blockhost-a.ts': program('a'),
      'cli/blockhost-b.ts': program('b'),
      'cli/helper.ts': 'export const helper = 1;\n',
      'test/demo/main.ts': program('demo').replace('../src', '../../src'),
    },
    ['debian/bundle.mjs', 'package.json', 'tsconfig.json'],
  );
  afterAll(canary.remove);
  const at = (path: string): string => join(canary.dir, path);
  const result = bundle(canary.dir);

  it('makes an executable of each command, with what they share in one place', () => {
    expect(result.stderr).toBe('');
    expect(result.status).toBe(0);
    expect(readdirSync(at('dist/bin'))).toEqual(['blockhost-a.mjs', 'blockhost-b.mjs']);
    expect(statSync(at('dist/bin/blockhost-a.mjs')).mode & 0o777).toBe(0o755);
    expect(readFileSync(at('dist/bin/blockhost-a.mjs'), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n(?!#!)/);
    expect(readdirSync(at('dist/lib')).filter((file) => file.endsWith('.mjs'))).toHaveLength(1);
    expect(Object.keys(JSON.parse(readFileSync(at('dist/meta.json'), 'utf8')).outputs)).toContain(
      'dist/bin/blockhost-a.mjs',
    );
  });

  it('makes programs that need no packages, and a demo that uses those of the repository', () => {
    expect(spawnSync(process.execPath, [at('dist/demo.mjs')], { encoding: 'utf8' }).stdout).toBe('demo\n');
    unlinkSync(at('node_modules'));
    expect(spawnSync(at('dist/bin/blockhost-b.mjs'), { encoding: 'utf8' }).stdout).toBe('b\n');
    expect(spawnSync(process.execPath, [at('dist/demo.mjs')]).status).not.toBe(0);
  });

  it('has nothing to do where there is no command yet, and says what does not compile', () => {
    const empty = createCanary({}, ['debian/bundle.mjs', 'package.json']);
    expect(bundle(empty.dir).status).toBe(0);
    expect(existsSync(join(empty.dir, 'dist/meta.json'))).toBe(true);
    empty.remove();
    const broken = createCanary({ 'cli/blockhost-a.ts': "import './nowhere.ts';\n" }, [
      'debian/bundle.mjs',
      'package.json',
    ]);
    const { status, stderr } = bundle(broken.dir);
    broken.remove();
    expect(status).toBe(1);
    expect(stderr).toContain('nowhere.ts');
    expect(stderr).not.toContain('at failureErrorWithLog');
  });
});
