import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { isAlive, signal, until } from './processes.ts';
import { repositoryPath } from './repository.ts';

/** An anvil that listens. */
export interface AnvilProcess {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts npm's anvil with these flags and resolves when it says where it listens; it dies with this process. */
export async function launchAnvil(flags: readonly string[], logFile?: string): Promise<AnvilProcess> {
  const argv = ['--pdeathsig', 'KILL', anvilBinary(), ...flags];
  const child = spawn('setpriv', argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  const port = await listeningPort(child);
  if (logFile === undefined) child.stdout.resume();
  else child.stdout.pipe(createWriteStream(logFile));
  child.stderr.resume();
  const pid = child.pid ?? 0;
  const stop = async (): Promise<void> => {
    signal(pid, 'SIGTERM');
    await until('anvil ends', () => !isAlive(pid));
  };
  return { pid, port, stop };
}

// The package's own launcher is a Node process that outlives a kill -9 of its child, or leaves it behind: go without.
function anvilBinary(): string {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const require = createRequire(repositoryPath('package.json'));
  return require.resolve(`@foundry-rs/anvil-${process.platform}-${architecture}/bin/anvil`);
}

function listeningPort(child: ChildProcess): Promise<number> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('anvil was started without pipes');
  return new Promise((resolve, reject) => {
    let complaint = '';
    stderr.on('data', (chunk) => (complaint += chunk));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`anvil ended with exit code ${code}: ${complaint.trim()}`)));
    const lines = createInterface({ input: stdout });
    lines.on('line', (line) => {
      const port = /Listening on \S+:(\d+)/.exec(line)?.[1];
      if (port === undefined) return;
      lines.close();
      child.removeAllListeners('exit');
      resolve(Number(port));
    });
  });
}
