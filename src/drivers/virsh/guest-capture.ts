import { GuestAgentError } from '../../domain/errors.ts';
import type { Uuid } from '../../domain/identity.ts';
import type { Clock } from '../../ports/clock.ts';
import type { GuestAgent } from '../../ports/hypervisor.ts';
import { fitsOneRequest } from './agent-channel.ts';
import { execRequest, type ProgramEnd, type RunInGuest } from './agent-exec.ts';
import type { GuestFiles } from './guest-files.ts';

export interface GuestCaptureDeps {
  readonly run: RunInGuest;
  readonly files: GuestFiles;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/** What is fetched of each stream; the guest is a stranger, and its output is held in memory here. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Output up to here comes with the agent's own answer. */
const INLINE_BYTES = 256 * 1024;
const HOUSEKEEPING_MS = 10_000;

/**
 * Runs "$@" as a program (never as a builtin: hence exec in a subshell) with its output in files, since libvirt loses
 * answers that are too long. Prints one line (exit code, lengths, directory) and then the output, if it is short.
 */
const SCRIPT = `d=$(mktemp -d) || exit 125
(exec "$@") >"$d/o" 2>"$d/e"
c=$?
o=$(wc -c <"$d/o")
e=$(wc -c <"$d/e")
echo $c $o $e "$d"
[ $((o + e)) -le ${INLINE_BYTES} ] || exit 0
cat "$d/o"
cat "$d/e" >&2
rm -rf "$d"
`;

const HEADER = /^(\d+) (\d+) (\d+) (\/[^\n]+)\n/;

/** One word for a shell: quoted whole, a quote as an escaped one between two quoted parts. */
export const shellWord = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** The same as a file, for arguments that fit no message; it removes itself before it runs anything. */
export const scriptFile = (argv: readonly string[]): string =>
  `rm -f -- "$0"\nset -- ${argv.map(shellWord).join(' ')}\n${SCRIPT}`;

/** Runs programs whose arguments and output may be longer than the agent's messages, byte for byte. */
export const createGuestCapture = ({ run, files, clock }: GuestCaptureDeps): GuestAgent['capture'] => {
  const tidy = async (uuid: Uuid, ...paths: readonly string[]): Promise<void> => {
    // What cannot be removed lies in the guest's own /tmp, readable to its root alone.
    await run(uuid, ['rm', '-rf', '--', ...paths], clock.monotonicMs() + HOUSEKEEPING_MS).catch(() => undefined);
  };

  const viaFile = async (uuid: Uuid, argv: readonly string[], deadlineMs: number): Promise<ProgramEnd> => {
    const made = await run(uuid, ['mktemp'], clock.monotonicMs() + HOUSEKEEPING_MS);
    const path = made.stdout.toString('utf8').trim();
    if (made.exitCode !== 0 || !path.startsWith('/')) throw noRoom(uuid, made.stderr);
    try {
      await files.write(uuid, path, Buffer.from(scriptFile(argv), 'utf8'));
    } catch (error) {
      await tidy(uuid, path);
      throw error;
    }
    return run(uuid, ['/bin/sh', path], deadlineMs);
  };

  return async (uuid, argv, { timeoutMs, maxBytes = MAX_BYTES }) => {
    const inOneMessage = ['/bin/sh', '-c', SCRIPT, 'sh', ...argv];
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    const end = fitsOneRequest(execRequest(inOneMessage))
      ? await run(uuid, inOneMessage, deadlineMs)
      : await viaFile(uuid, argv, deadlineMs);
    const header = HEADER.exec(end.stdout.subarray(0, 4096).toString('latin1'));
    if (header === null) throw noRoom(uuid, end.stderr);
    const [line, code, outBytes, errBytes, directory = ''] = header;
    const lengths = [Number(outBytes), Number(errBytes)];
    const short = lengths.reduce((sum, length) => sum + length, 0) <= INLINE_BYTES;
    const outputs = short
      ? [end.stdout.subarray(line.length), end.stderr]
      : [await files.read(uuid, `${directory}/o`, maxBytes), await files.read(uuid, `${directory}/e`, maxBytes)];
    if (!short) await tidy(uuid, directory);
    const [stdout = Buffer.alloc(0), stderr = Buffer.alloc(0)] = outputs.map((bytes) => bytes.subarray(0, maxBytes));
    return { exitCode: Number(code), stdout, stderr, cut: lengths.some((length) => length > maxBytes) };
  };
};

const noRoom = (uuid: Uuid, stderr: Buffer): GuestAgentError =>
  new GuestAgentError(`nothing was run in ${uuid}: it has no room for a temporary file`, {
    code: 'guest-no-room',
    retryable: true,
    hint: `free some space in its /tmp (it said: ${stderr.toString('utf8').trim().slice(0, 200) || 'nothing'})`,
  });
