import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { isAlive, signal, until } from '../lab/processes.ts';
import { repositoryPath } from '../lab/repository.ts';

/** One line of the daemon's log. */
export interface LogLine {
  readonly atMs: number;
  readonly level: string;
  readonly msg: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The daemon as a process of its own, and everything it said in all its lives. */
export interface DaemonProcess {
  start(): Promise<void>;
  /** Ends it as systemd would; resolves to its exit code. */
  stop(): Promise<number | null>;
  kill9(): Promise<void>;
  /** SIGHUP: look at everything again. */
  nudge(): void;
  readonly pid: number | undefined;
  log(): readonly LogLine[];
  onLine(hear: (line: LogLine) => void): void;
}

export interface DaemonOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** A program that starts it, by its argv, and becomes it. */
  readonly through?: readonly string[];
  /** What is started: the program as it was built here unless another is named. */
  readonly program?: readonly string[];
}

/** It lets steps that have begun come to their end. */
const END_LIMIT_MS = 30_000;

const lineSchema = z.looseObject({ level: z.string(), time: z.iso.datetime(), msg: z.string() });

const parseLine = (text: string): LogLine | undefined => {
  try {
    const { level, time, msg, ...fields } = lineSchema.parse(JSON.parse(text));
    return { atMs: Date.parse(time), level, msg, fields };
  } catch {
    return undefined;
  }
};

/** Nothing is started yet. The process dies with this one, whatever ends it. */
export const createDaemonProcess = (options: DaemonOptions): DaemonProcess => {
  const { env, logFile, through = [] } = options;
  const { program = [process.execPath, repositoryPath('dist/bin/blockhost-provisionerd.mjs')] } = options;
  const lines: LogLine[] = [];
  const listeners: ((line: LogLine) => void)[] = [];
  let child: ChildProcess | undefined;

  const note = (text: string): void => {
    appendFileSync(logFile, `${text}\n`);
    const line = parseLine(text) ?? { atMs: Date.now(), level: 'error', msg: text, fields: {} };
    lines.push(line);
    for (const hear of listeners) hear(line);
  };
  const running = (): ChildProcess | undefined =>
    child !== undefined && child.exitCode === null && child.signalCode === null ? child : undefined;

  const end = async (name: NodeJS.Signals): Promise<number | null> => {
    const process = running();
    if (process?.pid === undefined) return null;
    const { pid } = process;
    const ended = once(process, 'exit');
    signal(pid, name);
    await until(`the daemon ends after ${name}`, () => !isAlive(pid), { timeoutMs: END_LIMIT_MS });
    await ended;
    return process.exitCode;
  };

  return {
    get pid() {
      return running()?.pid;
    },
    start: async () => {
      if (running() !== undefined) return;
      const from = lines.length;
      const argv = ['--pdeathsig', 'KILL', ...through, ...program];
      const started = spawn('setpriv', argv, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
      child = started;
      for (const stream of [started.stdout, started.stderr]) createInterface({ input: stream }).on('line', note);
      const up = (): boolean => lines.slice(from).some(({ msg }) => msg === 'started');
      await until('the daemon says that it has started', () => up() || started.exitCode !== null, {
        timeoutMs: 60_000,
      });
      if (!up()) throw new Error(`the daemon ended with exit code ${started.exitCode}: ${lines.at(-1)?.msg ?? ''}`);
    },
    stop: async () => {
      try {
        return await end('SIGTERM');
      } catch (error) {
        await end('SIGKILL');
        throw error;
      }
    },
    kill9: async () => void (await end('SIGKILL')),
    nudge: () => {
      const pid = running()?.pid;
      if (pid !== undefined) signal(pid, 'SIGHUP');
    },
    log: () => lines,
    onLine: (hear) => void listeners.push(hear),
  };
};
