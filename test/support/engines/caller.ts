import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';

/** Where an engine runs: what its service file and the host's manifest say. */
export interface EngineSite {
  /** `/var/lib/blockhost` of the host. */
  readonly stateDir: string;
  /** `/usr/share/blockhost/provisioner.json` of the host. */
  readonly manifest: string;
  readonly env: Readonly<Record<string, string>>;
}

/** One command that an engine gave. */
export interface Call {
  readonly verb: string;
  readonly executable: string;
  readonly argv: readonly string[];
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Looks a verb up in the manifest and runs what it names, as engines do: their directory, their environment, no shell. */
export const createCaller = (site: EngineSite) => {
  const calls: Call[] = [];
  const call = async (verb: string, argv: readonly string[], timeoutMs?: number): Promise<Call> => {
    const { commands } = JSON.parse(await readFile(site.manifest, 'utf8')) as { commands: Record<string, string> };
    const executable = commands[verb];
    if (executable === undefined) throw new Error(`the provisioner has no command ${verb}`);
    const env = { ...process.env, ...site.env };
    const limit = timeoutMs === undefined ? {} : { timeout: timeoutMs };
    const child = spawn(executable, [...argv], {
      cwd: site.stateDir,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...limit,
    });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    const ended = { verb, executable, argv, exitCode: child.exitCode, stdout, stderr };
    calls.push(ended);
    return ended;
  };
  return { call, calls: (): readonly Call[] => calls };
};

/** What a create answered: the last line whose trimmed start is `{`; undefined where it failed. */
export const answerOf = ({ exitCode, stdout }: Call): Readonly<Record<string, unknown>> | undefined => {
  const line = stdout
    .split('\n')
    .filter((each) => each.trim().startsWith('{'))
    .at(-1);
  return exitCode === 0 && line !== undefined ? JSON.parse(line) : undefined;
};
