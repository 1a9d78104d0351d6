import { createInterface } from 'node:readline';
import { execa } from 'execa';
import type { EventSource } from '../../ports/event-source.ts';
import type { Log } from '../../ports/log.ts';
import { virshEnvironment } from './environment.ts';
import { parseEvent } from './parse-event.ts';

export interface EventSourceDeps {
  readonly uri: string;
  readonly log: Log;
}

/**
 * libvirt's events through `virsh event --all --loop --timestamp`, one process per watcher. A libvirtd that hangs is
 * noticed by virsh's keepalive within about 10 s; one that goes away, at once.
 */
export const createEventSource = ({ uri, log }: EventSourceDeps): EventSource => ({
  lines: ({ onEvent, onEnd }) => {
    // The watcher reads no stdin, so it would outlive a daemon that was killed: the kernel ends it with its parent.
    const argv = ['--pdeathsig', 'KILL', 'virsh', '-q', '-k', '3', '-K', '3', '-c', uri];
    const child = execa('setpriv', [...argv, 'event', '--all', '--loop', '--timestamp'], {
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      buffer: { stdout: false, stderr: true },
      maxBuffer: 64 * 1024,
      reject: false,
      extendEnv: false,
      env: virshEnvironment(),
    });
    let stopped = false;
    const reader = createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY });
    reader.on('line', (line) => {
      if (stopped || line === '') return;
      const event = parseEvent(line);
      if (event.kind === 'unparsed') log.debug({ line: line.slice(0, 500) }, 'libvirt event not understood');
      onEvent(event);
    });
    const end = (why: string): void => {
      reader.close();
      if (!stopped) onEnd(why);
      stopped = true;
    };
    void child.then(
      ({ stderr, exitCode, signal, shortMessage }) =>
        end(lastWords(stderr) || shortMessage || `exit ${exitCode ?? signal}`),
      (error: unknown) => end(String(error)),
    );
    return () => {
      stopped = true;
      child.kill('SIGTERM', undefined);
      reader.close();
    };
  },
});

const lastWords = (stderr: unknown): string =>
  typeof stderr === 'string'
    ? stderr
        .replace(/^error: /gm, '')
        .trim()
        .split('\n')
        .join('; ')
        .slice(0, 300)
    : '';
