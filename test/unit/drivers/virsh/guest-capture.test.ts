import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { createGuestCapture, scriptFile, shellWord } from '../../../../src/drivers/virsh/guest-capture.ts';

/** A guest that is this machine: its shell, its /tmp; and the agent's limits around it. */
const localGuest = () => {
  const temporary = mkdtempSync(join(tmpdir(), 'bh-guest-'));
  const ran: (readonly string[])[] = [];
  const run = (_: string, argv: readonly string[]) => {
    ran.push(argv);
    const [program = '', ...rest] = argv;
    const env = { ...process.env, TMPDIR: temporary };
    return new Promise<{ exitCode: number; stdout: Buffer; stderr: Buffer }>((resolve) => {
      execFile(program, rest, { env, encoding: 'buffer', maxBuffer: 2 ** 22 }, (error, stdout, stderr) =>
        resolve({ exitCode: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
      );
    });
  };
  const files = {
    write: async (_: string, path: string, bytes: Buffer) => writeFileSync(path, bytes),
    read: async (_: string, path: string, max: number) => readFileSync(path).subarray(0, max),
  };
  const capture = createGuestCapture({ run, files, clock: { monotonicMs: () => 0 } });
  return {
    ran,
    left: () => readdirSync(temporary),
    capture: (argv: readonly string[], maxBytes?: number) =>
      capture('u-1', argv, { timeoutMs: 10_000, ...(maxBytes === undefined ? {} : { maxBytes }) }),
  };
};

describe('a command in a guest', () => {
  let guest = localGuest();
  beforeEach(() => {
    guest = localGuest();
  });
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

  it('keeps every word as it is, however it looks to a shell', async () => {
    const nasty = ['a b', "it's", '"q"', '$HOME', '`id`', '\\n', 'x\ny', '', '*', 'ü😀', '-n', '--', ';', '&&', '>f'];
    const { stdout, exitCode } = await guest.capture(['printf', '%s|', ...nasty]);
    expect([exitCode, text(stdout)]).toEqual([0, `${nasty.join('|')}|`]);
  });

  it('runs programs, never builtins of the shell that runs them', async () => {
    expect(await guest.capture(['exit', '3'])).toMatchObject({ exitCode: 127 });
    expect(await guest.capture(['cd', '/nowhere'])).toMatchObject({ exitCode: 127 });
    expect((await guest.capture(['true'])).exitCode).toBe(0);
  });

  it('tells both streams apart and passes the exit code on, also that of a signal', async () => {
    const end = await guest.capture(['/bin/sh', '-c', 'echo out; echo err >&2; exit 7']);
    expect([end.exitCode, text(end.stdout), text(end.stderr)]).toEqual([7, 'out\n', 'err\n']);
    expect((await guest.capture(['/bin/sh', '-c', 'kill -9 $$'])).exitCode).toBe(137);
  });

  it('gives bytes back as they were, few or many, and leaves nothing in the guest', async () => {
    const octets = '\\000\\001\\377\\012\\015\\200';
    expect([...(await guest.capture(['printf', octets])).stdout]).toEqual([0, 1, 255, 10, 13, 128]);
    const long = await guest.capture(['head', '-c', '700000', '/dev/zero']);
    expect([long.stdout.length, long.cut, long.exitCode]).toEqual([700_000, false, 0]);
    const cut = await guest.capture(['head', '-c', '700000', '/dev/zero'], 600_000);
    expect([cut.stdout.length, cut.cut]).toEqual([600_000, true]);
    expect(guest.left()).toEqual([]);
  });

  it('goes through a file where it fits no message of the agent, and the file is gone before it runs', async () => {
    const word = "'$".repeat(5000);
    const { stdout } = await guest.capture(['printf', '%s', word]);
    expect(text(stdout)).toBe(word);
    expect(guest.ran.map(([program]) => program)).toEqual(['mktemp', '/bin/sh']);
    expect(guest.ran.flat().join('').length).toBeLessThan(4096);
    expect(guest.left()).toEqual([]);
  });

  it('says that nothing was run where the guest has no room for a file', async () => {
    const run = async () => ({ exitCode: 125, stdout: Buffer.alloc(0), stderr: Buffer.from('No space left') });
    const files = { write: async () => undefined, read: async () => Buffer.alloc(0) };
    const capture = createGuestCapture({ run, files, clock: { monotonicMs: () => 0 } });
    const refused = { code: 'guest-no-room', hint: expect.stringContaining('No space left') };
    await expect(capture('u', ['true'], { timeoutMs: 1 })).rejects.toMatchObject(refused);
    await expect(capture('u', ['x'.repeat(9000)], { timeoutMs: 1 })).rejects.toMatchObject(refused);
  });

  it('quotes any text so that a shell reads the same', async () => {
    const word = fc.string({ unit: 'grapheme' }).filter((each) => !each.includes('\0'));
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 6 }), async (words) => {
        const printed = await guest.capture(['/bin/sh', '-c', `printf '%s|' ${words.map(shellWord).join(' ')}`]);
        const viaWords = await guest.capture(['printf', '%s|', ...words]);
        const wanted = `${words.join('|')}|`;
        expect([text(printed.stdout), text(viaWords.stdout)]).toEqual([wanted, wanted]);
        expect(scriptFile(words).startsWith('rm -f -- "$0"\nset -- \'')).toBe(true);
      }),
      { numRuns: 25 },
    );
  }, 60_000);
});
