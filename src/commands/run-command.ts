import { userInfo } from 'node:os';
import type { Config } from '../config/load.ts';
import { loadConfig } from '../config/load.ts';
import { createPaths, type Paths } from '../config/paths.ts';
import { explain } from '../domain/errors.ts';
import { createSystemClock } from '../drivers/clock/system-clock.ts';
import { quietLog } from '../drivers/log/quiet-log.ts';
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

/** By name where there is one: a number alone may be all that a container knows of its user. */
const whoAsks = (): string => {
  const uid = process.getuid?.() ?? -1;
  try {
    const name = userInfo().username;
    return process.env.SUDO_USER === undefined ? `${name} (uid ${uid})` : `${process.env.SUDO_USER} (as ${name})`;
  } catch {
    return `uid ${uid}`;
  }
};

/** Log lines of drivers are for those who ask for them; what a person must know, a command tells in a sentence. */
const commandLog = async (): Promise<Log> => {
  const level = process.env.BLOCKHOST_LOG_LEVEL;
  if (level !== 'debug' && level !== 'info') return quietLog;
  const { createLog } = await import('../drivers/log/create-log.ts');
  return createLog({ level, destination: { write: (line) => void process.stderr.write(line) } });
};

/** A pipe takes what fits and the rest later: all of it is out, or nobody reads any more, when this resolves. */
const written = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => {
    stream.write('', () => resolve());
  });

/**
 * Runs one command from its configuration to its exit code (D4): 0 done, 1 refused or failed with one sentence on stderr,
 * 130 interrupted. `body` returns the exit code; what it throws is explained, never shown as a stack, and `onFailure` says
 * what a caller is told who is promised an answer in any case.
 */
export const runCommand = async (
  name: string,
  body: (context: CommandContext) => Promise<number>,
  { onFailure = () => 1 }: { readonly onFailure?: (out: CommandContext['out']) => number } = {},
): Promise<void> => {
  const controller = new AbortController();
  // Whoever reads may go away at any time; that is no failure of what is done here.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const quiet = onInterrupt(() => controller.abort());
  const tell = (line: string): void => void process.stderr.write(`${line}\n`);
  const out = (line: string): void => void process.stdout.write(`${line}\n`);
  let exitCode: number;
  try {
    const paths = createPaths(process.env);
    exitCode = await body({
      config: await loadConfig({ paths, env: process.env }),
      paths,
      clock: createSystemClock(),
      log: await commandLog(),
      stop: controller.signal,
      by: whoAsks(),
      out,
      tell,
    });
  } catch (error) {
    tell(`${name}: ${explain(error)}`);
    exitCode = onFailure(out);
  }
  quiet();
  await Promise.all([process.stdout, process.stderr].map(written));
  // Shells and sockets that were kept open are no reason to stay.
  process.exit(controller.signal.aborted && exitCode !== 0 ? EXIT_INTERRUPTED : exitCode);
};
