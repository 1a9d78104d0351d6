import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { BlockhostError } from '../../domain/errors.ts';

export interface ToolOptions {
  readonly signal: AbortSignal;
  /** Each line that the program prints, on either stream. */
  readonly onLine?: (line: string) => void;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** What apt and its kin may know of this host. */
const passedOn = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];
const TOOL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const LINES_SHOWN = 8;
const LONGEST_LINE = 400;
const LONGEST_RUN_MS = 3 * 3_600_000;

/**
 * In namespaces of its own a build leaves nothing behind, however it ends: its mounts are seen by nobody else and vanish
 * with it, and all its processes die with the first of them, which dies with us.
 */
const CONTAINED = [
  ...['setpriv', '--pdeathsig', 'KILL', '--'],
  ...['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--'],
];

/** The same for what needs no mounts: it only dies with us. */
const BOUND = ['setpriv', '--pdeathsig', 'KILL', '--'];

/** Runs a program of a build to its end; resolves to its stdout. Throws with its last lines where it fails. */
export const runTool = (argv: readonly string[], options: ToolOptions): Promise<string> =>
  run([...BOUND, ...argv], argv, options);

/** The same in namespaces of its own; root alone can. */
export const runContained = (argv: readonly string[], options: ToolOptions): Promise<string> =>
  run([...CONTAINED, ...argv], argv, options);

const run = async (
  [program = '', ...args]: readonly string[],
  [name = '']: readonly string[],
  { signal, onLine, env, cwd }: ToolOptions,
): Promise<string> => {
  signal.throwIfAborted();
  const child = execa(program, args, {
    env: { ...environment(), ...env },
    extendEnv: false,
    ...(cwd === undefined ? {} : { cwd }),
    all: true,
    reject: false,
    stdin: 'ignore',
    maxBuffer: 64 << 20,
    timeout: LONGEST_RUN_MS,
    // A Ctrl-C is ours to pass on, at once and for good: what is half built is thrown away.
    detached: true,
    cancelSignal: signal,
    killSignal: 'SIGKILL',
  });
  const lines = createInterface({ input: child.all });
  const last: string[] = [];
  lines.on('line', (line) => {
    const short = line.slice(0, LONGEST_LINE);
    onLine?.(short);
    last.push(short);
    if (last.length > LINES_SHOWN) last.shift();
  });
  const result = await child;
  signal.throwIfAborted();
  if (result.failed !== true) return result.stdout;
  const how = result.exitCode === undefined ? (result.shortMessage ?? 'was ended') : `exit code ${result.exitCode}`;
  const said = last.filter((line) => line.trim() !== '').map((line) => `\n  ${line}`);
  throw new BlockhostError(`${name} failed (${how})${said.join('')}`, { code: 'template-tool', retryable: true });
};

const environment = (): Record<string, string> => {
  const proxies = passedOn.flatMap((key) => {
    const value = process.env[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  return {
    ...Object.fromEntries(proxies),
    PATH: TOOL_PATH,
    LC_ALL: 'C.UTF-8',
    HOME: '/root',
    DEBIAN_FRONTEND: 'noninteractive',
  };
};
