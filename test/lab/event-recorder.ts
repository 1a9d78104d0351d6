import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** One event as `virsh event --all --loop --timestamp` printed it. */
export interface RecordedEvent {
  /** Position in the recording, from 0. */
  readonly index: number;
  /** Milliseconds since the epoch, libvirt's own stamp. */
  readonly atMs: number;
  readonly event: string;
  readonly domain: string;
  /** For lifecycle events `Stopped Failed` and the like; continuation lines follow after `\n`. */
  readonly detail: string;
  readonly raw: string;
}

/** A running recording of all domain events. */
export interface EventRecorder {
  events(): RecordedEvent[];
  waitEvent(
    match: (event: RecordedEvent) => boolean,
    options?: { timeoutMs?: number; after?: number },
  ): Promise<RecordedEvent>;
  stop(): Promise<void>;
}

const reconnectMs = 100;
const shape = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d+)\+0000: event '([^']*)' for domain '(.*)': (.*)$/;

/** Records every event of the connection to `file` and in memory; reconnects for as long as it is not stopped. */
export function recordEvents(uri: string, file: string): EventRecorder {
  const recorded: RecordedEvent[] = [];
  const waiters = new Set<() => void>();
  let stopped = false;
  let child = follow();

  function follow(): ChildProcess {
    const argv = ['--pdeathsig', 'KILL', 'virsh', '-q', '-c', uri, 'event', '--all', '--loop', '--timestamp'];
    const watcher = spawn('setpriv', argv, {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { PATH: process.env.PATH ?? '', LC_ALL: 'C' },
    });
    createInterface({ input: watcher.stdout }).on('line', (line) => {
      if (line !== '') note(line);
    });
    watcher.once('exit', () => {
      setTimeout(() => {
        if (!stopped) child = follow();
      }, reconnectMs).unref();
    });
    return watcher;
  }

  function note(line: string): void {
    appendFileSync(file, `${line}\n`);
    const [, date, time, event = '', domain = '', detail = ''] = shape.exec(line) ?? [];
    const last = recorded.at(-1);
    if (date !== undefined) {
      recorded.push({ index: recorded.length, atMs: Date.parse(`${date}T${time}Z`), event, domain, detail, raw: line });
    } else if (last !== undefined) {
      recorded[last.index] = { ...last, detail: `${last.detail}\n${line.trim()}`, raw: `${last.raw}\n${line}` };
    }
    for (const wake of waiters) wake();
  }

  return {
    events: () => [...recorded],
    waitEvent: (match, { timeoutMs = 60_000, after = 0 } = {}) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = recorded.slice(after).find(match);
          if (found === undefined) return;
          settle();
          resolve(found);
        };
        const timer = setTimeout(() => {
          settle();
          const tail = recorded.slice(-8).map(({ raw }) => raw);
          reject(new Error([`no such libvirt event within ${timeoutMs} ms; the last ones:`, ...tail].join('\n')));
        }, timeoutMs);
        const settle = (): void => {
          clearTimeout(timer);
          waiters.delete(look);
        };
        waiters.add(look);
        look();
      }),
    stop: async () => {
      stopped = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await ended;
    },
  };
}
