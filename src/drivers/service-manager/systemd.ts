import { execa } from 'execa';
import { explain } from '../../domain/errors.ts';
import type { Log } from '../../ports/log.ts';
import type { ServiceManager, ServiceWord } from '../../ports/service-manager.ts';

/** What systemd tells its services, see sd_notify(3) and sd_watchdog_enabled(3). */
const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const;
type NotifyEnvironment = Readonly<Partial<Record<(typeof VARIABLES)[number], string>>>;

/** Longer than systemd-notify itself waits for its word to be read. */
const TELL_LIMIT_MS = 15_000;

const LINES: Readonly<Record<ServiceWord['what'], readonly string[]>> = {
  ready: ['READY=1'],
  alive: ['WATCHDOG=1'],
  stopping: ['STOPPING=1'],
  status: [],
};

/** Takes systemd's variables out of an environment: they are for this process and for none of its children. */
export const takeNotifyEnvironment = (env: Record<string, string | undefined>): NotifyEnvironment => {
  const taken = VARIABLES.flatMap((name) => {
    const value = env[name];
    delete env[name];
    return value === undefined || value === '' ? [] : [[name, value] as const];
  });
  return Object.fromEntries(taken);
};

const watchdogMsOf = ({ WATCHDOG_USEC, WATCHDOG_PID }: NotifyEnvironment, pid: number): number | undefined => {
  const ms = Math.floor(Number(WATCHDOG_USEC) / 1000);
  const meant = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === pid;
  return meant && Number.isSafeInteger(ms) && ms > 0 ? ms : undefined;
};

export interface SystemdDeps {
  readonly env: NotifyEnvironment;
  readonly pid: number;
  readonly log: Log;
}

/**
 * systemd, told through `systemd-notify`: Node has no datagram sockets of the unix family. The word comes from a child, so
 * the unit has to say `NotifyAccess=all`. Without `NOTIFY_SOCKET` nothing is started.
 */
export const createServiceManager = ({ env, pid, log }: SystemdDeps): ServiceManager => {
  const { NOTIFY_SOCKET } = env;
  if (NOTIFY_SOCKET === undefined) return { watchdogMs: undefined, tell: async () => undefined };
  let failing = false;
  const tell = async ({ what, status }: ServiceWord): Promise<void> => {
    // One line each: a line break would be another word.
    const lines = [...LINES[what], ...(status === undefined ? [] : [`STATUS=${status.replace(/\s+/g, ' ')}`])];
    try {
      await execa('systemd-notify', lines, {
        env: { NOTIFY_SOCKET, PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
        extendEnv: false,
        stdin: 'ignore',
        timeout: TELL_LIMIT_MS,
        maxBuffer: 64 * 1024,
      });
      failing = false;
    } catch (error) {
      if (!failing) log.warn({ word: what, why: explain(error) }, 'the service manager was not told');
      failing = true;
    }
  };
  return { watchdogMs: watchdogMsOf(env, pid), tell };
};
