import { userInfo } from 'node:os';
import type { Config } from '../config/load.ts';
import { loadConfig } from '../config/load.ts';
import { createPaths, type Paths } from '../config/paths.ts';
import { explain } from '../domain/errors.ts';
import { createSystemClock } from '../drivers/clock/system-clock.ts';
import { createLog } from '../drivers/log/create-log.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';

/** What a command works with; nothing of it touches libvirt or the chain before the command asks for a host. */
export interface CommandContext {
  readonly config: Config;
  readonly paths: Paths;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted by the first Ctrl-C or SIGTERM: undo or finish what is half done, then end. */
  readonly stop: AbortSignal;
  /** Who gives the command, for the journal. */
  readonly by: string;
  /** One line to stdout: only what the contract says. */
  readonly out: (line: string) => void;
  /** One line to stderr: progress and everything else for people. */
  readonly tell: (line: string) => void;
}

/** Interrupted from outside, as shells put it. */
const EXIT_INTERRUPTED = 130;

const onInterrupt = (abort: () => void): (() => void) => {
  let asked = false;
  const handler = (): void => {
    if (asked) process.exit(EXIT_INTERRUPTED);
    asked = true;
    abort();
  };
  process.on('SIGINT', handler).on('SIGTERM', handler);
  return () => void process.off('SIGINT', handler).off('SIGTERM', handler);
};

/** Resolves when everything was handed over: a reader that is slower than we are would else get the first pipeful alone. */
const drained = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => {
    stream.write('', () => resolve());
  });

/** Log lines of drivers are for those who ask for them; what a person must know, a command tells in a sentence. */
const commandLog = (): Log => {
  const level = process.env.BLOCKHOST_LOG_LEVEL;
  const wanted = level === 'debug' || level === 'info' ? level : 'silent';
  return createLog({ level: wanted, destination: { write: (line) => void process.stderr.write(line) } });
};

/**
 * Runs one command from its configuration to its exit code (D4): 0 done, 1 refused or failed with one sentence on stderr,
 * 130 interrupted. `body` returns the exit code; what it throws is explained, never shown as a stack.
 */
export const runCommand = async (name: string, body: (context: CommandContext) => Promise<number>): Promise<void> => {
  const controller = new AbortController();
  // A reader that has gone wants to hear no more; that is no failure of what was done.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const quiet = onInterrupt(() => controller.abort());
  const tell = (line: string): void => void process.stderr.write(`${line}\n`);
  let exitCode: number;
  try {
    const paths = createPaths(process.env);
    exitCode = await body({
      config: await loadConfig({ paths, env: process.env }),
      paths,
      clock: createSystemClock(),
      log: commandLog(),
      stop: controller.signal,
      by: process.env.SUDO_USER ?? userInfo().username,
      out: (line) => void process.stdout.write(`${line}\n`),
      tell,
    });
  } catch (error) {
    tell(`${name}: ${explain(error)}`);
    exitCode = 1;
  }
  quiet();
  await Promise.all([drained(process.stdout), drained(process.stderr)]);
  // Shells and sockets that were kept open are no reason to stay.
  process.exit(controller.signal.aborted && exitCode !== 0 ? EXIT_INTERRUPTED : exitCode);
};
