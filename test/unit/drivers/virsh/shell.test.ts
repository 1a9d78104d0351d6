import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSystemClock } from '../../../../src/drivers/clock/system-clock.ts';
import { createShell, type Shell } from '../../../../src/drivers/virsh/shell.ts';
import { createModelLog } from '../../../models/model-log.ts';

const uri = 'test:///default'; // libvirt's own test driver, inside virsh: no daemon
const soon = { timeoutMs: 10_000 };

describe('a kept virsh shell', () => {
  let dir = '';
  const shells: Shell[] = [];
  const shell = (program = 'virsh'): Shell => {
    const made = createShell({ uri, clock: createSystemClock(), log: createModelLog(), program });
    shells.push(made);
    return made;
  };
  const script = async (name: string, text: string): Promise<string> => {
    const path = join(dir, name);
    await writeFile(path, `#!/bin/sh\n${text}\n`);
    await chmod(path, 0o755);
    return path;
  };
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'bh-shell-'));
  });
  afterEach(() => {
    for (const each of shells.splice(0)) each.close();
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it('gives back exactly what a command printed', async () => {
    const virsh = shell();
    const listed = await virsh.run(['list', '--all', '--name'], soon);
    expect(listed).toMatchObject({ ok: true, stdout: 'test\n', stderr: '', timedOut: false, died: false });
    expect((await virsh.run(['dumpxml', 'test'], soon)).stdout).toMatch(
      /^<domain type='test' id='1'>[\s\S]*<\/domain>\n+$/,
    );
  });

  it('carries any argument unharmed through virsh, readline and back', async () => {
    const virsh = shell();
    const piece = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom("'", '"', '\\', ';', '$HOME', '`', ' ', '#', '--', 'virsh # ', 'error: '),
    );
    const argument = fc.array(piece, { minLength: 1, maxLength: 40 }).map((parts) => parts.join(''));
    const sendable = argument.filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text) && text !== '' && !text.startsWith('-'));
    await fc.assert(
      fc.asyncProperty(sendable, async (text) => {
        expect(await virsh.run(['echo', text], soon)).toMatchObject({ ok: true, stdout: text, stderr: '' });
      }),
      { numRuns: 300 },
    );
  });

  it('takes the longest message for an agent', async () => {
    const text = `{"a":"${"it's; "}${'x'.repeat(4000)}"}`;
    expect((await shell().run(['echo', text], soon)).stdout).toBe(text);
  });

  it.each(['a\nb', 'a\rb', '\t', '\u0000', '\u001b[A', '\u007f', '\u0085'])(
    'refuses the control character in %j',
    async (text) => {
      await expect(shell().run(['echo', text], soon)).rejects.toMatchObject({
        code: 'virsh-argument',
        retryable: false,
      });
    },
  );

  it('tells a failure with its words, and goes on', async () => {
    const virsh = shell();
    const failed = await virsh.run(['dominfo', 'no such'], soon);
    expect(failed).toMatchObject({
      ok: false,
      stdout: '',
      stderr: "error: failed to get domain 'no such'\n",
      timedOut: false,
    });
    expect(await virsh.run(['no-such-command'], soon)).toMatchObject({ ok: false, stdout: '', died: false });
    expect(await virsh.run(['list', '--no-such-option'], soon)).toMatchObject({ ok: false, stdout: '' });
    expect((await virsh.run(['list', '--all', '--name'], soon)).stdout).toBe('test\n');
  });

  it('kills a shell that does not answer in time, and starts another for the next command', async () => {
    const marker = join(dir, 'hung');
    const hangsOnce = await script(
      'hangs-once',
      `[ -e '${marker}' ] && exec virsh "$@"\necho $$ > '${marker}'\nexec sleep 1000`,
    );
    const virsh = shell(hangsOnce);
    const hung = await virsh.run(['list'], { timeoutMs: 300 });
    expect(hung).toMatchObject({ ok: false, timedOut: true });
    expect(hung.durationMs).toBeGreaterThanOrEqual(290);
    expect(await virsh.run(['list', '--all', '--name'], soon)).toMatchObject({ ok: true, stdout: 'test\n' });
    const pid = Number(await readFile(marker, 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });

  it('says that a shell died under a command, and starts another for the next one', async () => {
    const marker = join(dir, 'died');
    const diesOnce = await script(
      'dies-once',
      `[ -e '${marker}' ] && exec virsh "$@"\ntouch '${marker}'\nread line\nexit 3`,
    );
    const virsh = shell(diesOnce);
    expect(await virsh.run(['list'], soon)).toMatchObject({ ok: false, died: true, timedOut: false });
    expect(await virsh.run(['list', '--all', '--name'], soon)).toMatchObject({ ok: true });
  });

  it('says that it died where there is no virsh', async () => {
    expect(await shell(join(dir, 'none')).run(['list'], soon)).toMatchObject({ ok: false, died: true });
  });

  it('lets nothing of our environment in', async () => {
    process.env.BLOCKHOST_TEST_SECRET = 'hunter2';
    const file = join(dir, 'environment');
    const tells = await script('tells', `env > '${file}'\nexec virsh "$@"`);
    await shell(tells).run(['list'], soon);
    const environment = await readFile(file, 'utf8');
    delete process.env.BLOCKHOST_TEST_SECRET;
    expect(environment).toContain('LC_ALL=C.UTF-8');
    expect(environment).not.toContain('hunter2');
  });
});
