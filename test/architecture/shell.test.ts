import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { root } from './tool.ts';
import { filesBelow, textOf } from './tree.ts';

const SHELLS = /^#!(\/usr)?\/bin\/(env )?(ba)?sh\b/;
const scripts = ['cli', 'debian', 'hooks', 'systemd', 'test']
  .flatMap((folder) => filesBelow(folder))
  .filter((path) => path.endsWith('.sh') || SHELLS.test(textOf(path).slice(0, 40)));

const run = (tool: string, args: readonly string[]): { exitCode: number | null; output: string } => {
  const { status, stdout, stderr, error } = spawnSync(tool, args, { cwd: root, encoding: 'utf8' });
  return { exitCode: status, output: error ? String(error) : stdout + stderr };
};

describe('every shell script', () => {
  it('is found', () => {
    expect(scripts).toEqual(expect.arrayContaining(['hooks/first-boot.sh', 'test/lab/libvirtd-session.sh']));
  });

  it('has nothing that shellcheck knows to be wrong', () => {
    expect(run('shellcheck', scripts)).toEqual({ exitCode: 0, output: '' });
  });

  it('is formatted where it is named so', () => {
    expect(run('shfmt', ['-i', '2', '-ci', '-d', ...scripts.filter((path) => path.endsWith('.sh'))])).toEqual({
      exitCode: 0,
      output: '',
    });
  });
});
