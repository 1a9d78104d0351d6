import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { until } from '../lab/processes.ts';
import { repositoryPath } from '../lab/repository.ts';

/** Stands for systemd at the end of NOTIFY_SOCKET, and remembers what it is told. */
export interface Manager {
  readonly socket: string;
  words(): readonly string[];
  stop(): void;
}

/** Node has no datagram sockets of the unix family: python listens. */
export const listenAsManager = async (socket: string): Promise<Manager> => {
  const heard: string[] = [];
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', 'python3', repositoryPath('test/python/notify_socket.py'), socket],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  createInterface({ input: child.stdout }).on('line', (line) => heard.push(z.string().parse(JSON.parse(line))));
  await until('somebody listens as the service manager', () => heard.length > 0);
  // What follows a word is its barrier.
  const words = (): string[] => heard.slice(1).filter((word) => word !== 'BARRIER=1');
  return { socket, words, stop: () => void child.kill('SIGKILL') };
};
