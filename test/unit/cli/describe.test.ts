import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bashCompletion } from '../../../cli/describe/completion.ts';
import { manPage, sectionOf } from '../../../cli/describe/man-page.ts';
import { programs } from '../../../cli/programs/all.ts';
import { operatorWords } from '../../../cli/programs/operator-words.ts';

const dir = mkdtempSync(join(tmpdir(), 'blockhost-describe-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** What bash offers for a line that ends in the word under the cursor. */
const offered = (words: readonly string[], machines: readonly string[], body?: string): readonly string[] => {
  const script = join(dir, 'completion');
  writeFileSync(script, bashCompletion(programs()));
  const list = join(dir, 'blockhost-vm-list');
  const rows = ['NAME\tSTATUS\tIP\tCREATED', ...machines.map((name) => `${name}\tactive\t192.0.2.2\t2026-01-01`)];
  writeFileSync(list, `#!/bin/sh\n${body ?? `cat <<'END'\n${rows.join('\n')}\nEND`}\n`);
  chmodSync(list, 0o755);
  const [program = '', ...rest] = words;
  const run = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "_\${1//-/_}" "$1" "\${@: -1}" "\${@: -2:1}"; printf '%s\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync('bash', ['-c', `exec 2>&1; ${run}`, 'bash', script, program, ...rest], {
    env: { PATH: `${dir}:${process.env.PATH}`, HOME: dir },
    encoding: 'utf8',
    cwd: dir,
  });
  return out.split('\n').filter((word) => word !== '');
};

describe('completion', () => {
  it('offers subcommands, then the options of each', () => {
    expect(offered(['blockhost-provisioner', 'un'], [])).toEqual(['unprotect']);
    expect(offered(['blockhost-provisioner', 'hold', '--'], [])).toEqual(['--for', '--reason', '--help']);
  });

  it('offers the names of machines where one is wanted', () => {
    expect(offered(['blockhost-vm-status', 'blockhost-0'], ['blockhost-007', 'blockhost-008', 'other'])).toEqual([
      'blockhost-007',
      'blockhost-008',
    ]);
  });

  it('offers the values of an option that has choices, after a blank and after an equals sign', () => {
    expect(offered(['blockhost-vm-list', '--format', ''], [])).toEqual(['text', 'json']);
    expect(offered(['blockhost-vm-list', '--format', 'j'], [])).toEqual(['json']);
    expect(offered(['blockhost-vm-list', '--format', '='], [])).toEqual(['text', 'json']);
    expect(offered(['blockhost-vm-list', '--format', '=', 'j'], [])).toEqual(['json']);
  });

  it('offers files where an option takes one, each name one word', () => {
    mkdirSync(join(dir, 'seeds'), { recursive: true });
    writeFileSync(join(dir, 'seeds', 'my seed.yaml'), '');
    expect(offered(['blockhost-vm-create', 'x', '--cloud-init-content', 'seeds/m'], [])).toEqual([
      'seeds/my seed.yaml',
    ]);
    expect(offered(['blockhost-mint-nft', '--key-file', '=', 'seeds/m'], [])).toEqual(['seeds/my seed.yaml']);
  });

  it('offers nothing, and no machine, for a value that nobody can know', () => {
    expect(offered(['blockhost-provisioner', 'hold', 'blockhost-007', '--for', ''], ['blockhost-007'])).toEqual([]);
  });

  it('offers no machine, and says nothing, where the list fails or does not come', () => {
    const saved = ['exit 1', 'echo broken >&2; exit 3', 'exec sleep 30'];
    for (const body of saved) expect(offered(['blockhost-vm-status', ''], [], body)).toEqual([]);
  });

  it('never lets a name from outside reach the shell', () => {
    const hostile = ['$(touch pwned)', '`touch pwned`', '-n', 'blockhost-007'];
    expect(offered(['blockhost-vm-status', ''], hostile)).toEqual(['blockhost-007']);
    expect(existsSync(join(dir, 'pwned'))).toBe(false);
  });
});

describe('man pages', () => {
  it('tell name, synopsis, every option and every example of each program', () => {
    const all = programs();
    for (const command of all) {
      const page = manPage(command, '1.2.3', all);
      expect(page).toMatch(new RegExp(`^\\.TH ${command.name().toUpperCase()} [18] `));
      for (const heading of ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'EXIT STATUS', 'EXAMPLES', 'SEE ALSO'])
        expect(page).toContain(`.SH ${heading}\n`);
      for (const { long } of command.options) expect(page).toContain((long ?? '').replaceAll('-', '\\-'));
    }
  });

  it('put the daemon into section 8 and name the others after it', () => {
    const all = programs();
    const [daemon] = all.filter((command) => command.name() === 'blockhost-provisionerd');
    expect(daemon && sectionOf(daemon)).toBe(8);
    expect(manPage(operatorWords(), '1.2.3', all)).toContain('\\fBblockhost\\-provisionerd\\fR(8)');
  });

  it('cannot be made to say a request to roff by a sentence that begins with a dot', () => {
    const lines = manPage(operatorWords(), '1.2.3', []).split('\n');
    expect(lines.filter((line) => /^\.(?!TH|SH|TP|PP|RS|RE|nf|fi)/.test(line))).toEqual([]);
  });
});
