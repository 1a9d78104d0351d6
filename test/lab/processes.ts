import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** One line of the process table. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parentPid: number;
  readonly command: string;
  readonly argv: readonly string[];
}

/** All processes below `pid` in the process tree, itself not included; read from /proc. */
export function descendants(pid: number): ProcessInfo[] {
  const children = new Map<number, ProcessInfo[]>();
  for (const info of processTable()) children.set(info.parentPid, [...(children.get(info.parentPid) ?? []), info]);
  const below = (parent: number): ProcessInfo[] =>
    (children.get(parent) ?? []).flatMap((child) => [child, ...below(child.pid)]);
  return below(pid);
}

/** True while the process exists and is not merely waiting to be reaped. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Sends a signal; a process that is gone already is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * Awaits `condition`, looking every `everyMs`; throws `what` when `timeoutMs` have passed. Resolves to the ms it took. Only who
 * measures wants a close limit: a busy machine takes its time, and a wait that succeeds costs nothing by what it might have.
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { timeoutMs = 60_000, everyMs = 50 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<number> {
  const startedMs = performance.now();
  while (!(await condition())) {
    if (performance.now() - startedMs > timeoutMs) throw new Error(`timed out after ${timeoutMs} ms: ${what}`);
    await sleep(everyMs);
  }
  return Math.round(performance.now() - startedMs);
}

function processTable(): ProcessInfo[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const [, command = '', parentPid = '0'] = /^\d+ \((.*)\) \S (\d+)/s.exec(stat) ?? [];
        const argv = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
        return [{ pid: Number(name), parentPid: Number(parentPid), command, argv }];
      } catch {
        return []; // gone between listing and reading
      }
    });
}
