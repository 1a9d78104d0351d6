import { randomBytes } from 'node:crypto';
import { execa } from 'execa';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { startDeadline } from './deadline.ts';
import { virshEnvironment } from './environment.ts';
import { type Frame, frameCommand, framedStderr, framedStdout } from './frame.ts';
import { commandLine } from './quote.ts';
import { hasFailed, type RunVirsh, type VirshResult } from './virsh-result.ts';

/** A `virsh` process kept on pipes. INVARIANT: one command at a time; the caller (a pool) does not call `run` while it is busy. */
export interface Shell {
  readonly run: RunVirsh;
  /** Ends the process; a running command resolves as `died`. */
  close(): void;
}

export interface ShellDeps {
  readonly uri: string;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  readonly log: Log;
  /** The program, for tests. */
  readonly program?: string;
}

/** More than any reply has any business to be; a shell that says more is killed. */
const maxReplyCharacters = 64 * 1024 * 1024;

/**
 * Makes a shell that starts its process at the first command, kills it when a command outlives its deadline, and
 * starts another for the next one.
 */
export const createShell = (deps: ShellDeps): Shell => {
  let process: ShellProcess | undefined;
  let count = 0;
  const current = (): ShellProcess => {
    if (process?.alive()) return process;
    process = startProcess(deps);
    return process;
  };
  return {
    run: async (argv, { timeoutMs }) => {
      const token = `${randomBytes(8).toString('hex')}n${count++}`;
      const frame = frameCommand(commandLine(argv), token);
      const startedMs = deps.clock.monotonicMs();
      const reply = await current().exchange(frame, timeoutMs);
      const durationMs = Math.round(deps.clock.monotonicMs() - startedMs);
      if (reply.timedOut)
        deps.log.warn({ command: argv[0], timeoutMs }, 'virsh did not answer in time; its shell was ended');
      return { ...reply, durationMs };
    },
    close: () => process?.kill(),
  };
};

type Reply = Omit<VirshResult, 'durationMs'>;

interface ShellProcess {
  alive(): boolean;
  exchange(frame: Frame, timeoutMs: number): Promise<Reply>;
  kill(): void;
}

const startProcess = ({ uri, clock, program = 'virsh' }: ShellDeps): ShellProcess => {
  // A session of its own, so that a Ctrl-C on the daemon's terminal does not cancel a save in the middle. It ends by
  // itself when its stdin closes, that is with us.
  const child = execa(program, ['-q', '-c', uri], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    detached: true,
    extendEnv: false,
    env: virshEnvironment(),
  });
  let ended = false;
  let stdout = '';
  let stderr = '';
  let look: () => void = () => undefined;
  const kill = (): void => {
    ended = true;
    child.kill('SIGKILL');
    look();
  };
  const collect = (stream: NodeJS.ReadableStream, keep: (chunk: string) => void): void => {
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      keep(chunk);
      if (stdout.length + stderr.length > maxReplyCharacters) kill();
      look();
    });
    stream.on('error', kill);
  };
  collect(child.stdout, (chunk) => {
    stdout += chunk;
  });
  collect(child.stderr, (chunk) => {
    stderr += chunk;
  });
  child.stdin.on('error', kill);
  void child.then(kill, kill);

  const exchange = (frame: Frame, timeoutMs: number): Promise<Reply> =>
    new Promise((resolve) => {
      stdout = '';
      stderr = '';
      const settle = (reply: Reply): void => {
        stopDeadline();
        look = () => undefined;
        resolve(reply);
      };
      const stopDeadline = startDeadline(clock, timeoutMs, () => {
        look = () => undefined;
        kill();
        resolve({ ok: false, stdout: '', stderr, timedOut: true, died: false });
      });
      look = () => {
        const out = framedStdout(frame, stdout);
        const err = framedStderr(frame, stderr);
        if (out !== undefined && err !== undefined) {
          settle({ ok: !hasFailed(err), stdout: out, stderr: err, timedOut: false, died: false });
        } else if (ended) {
          settle({ ok: false, stdout: '', stderr, timedOut: false, died: true });
        }
      };
      if (ended) look();
      else child.stdin.write(frame.input);
    });

  return { alive: () => !ended, exchange, kill };
};
