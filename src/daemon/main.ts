import { join } from 'node:path';
import { fromEvent } from 'rxjs';
import type { Config } from '../config/load.ts';
import { loadConfig } from '../config/load.ts';
import { createPaths } from '../config/paths.ts';
import { ConfigError, explain, LockBusyError } from '../domain/errors.ts';
import { createCalendar } from '../drivers/calendar/calendar.ts';
import { createSystemClock } from '../drivers/clock/system-clock.ts';
import { ensureSharedDirectory } from '../drivers/files/shared-ownership.ts';
import { withFlock } from '../drivers/lock/flock.ts';
import { createLog } from '../drivers/log/create-log.ts';
import { secretsInUrls } from '../drivers/log/redact.ts';
import { createServiceManager, takeNotifyEnvironment } from '../drivers/service-manager/systemd.ts';
import { createEventSource } from '../drivers/virsh/event-source.ts';
import { openHost } from '../host/open-host.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { ServiceManager } from '../ports/service-manager.ts';
import { lastWords } from './ended.ts';
import { followersOf } from './followers.ts';
import { createGate, type Gate } from './gate.ts';
import { missingOn } from './missing.ts';
import { openSampling } from './open-sampling.ts';
import type { Opened } from './opened.ts';
import { gateKeysOf, serve } from './serve.ts';
import { speakToManager } from './service-words.ts';
import { EXIT, onStopSignal } from './shutdown.ts';
import type { Surroundings } from './surroundings.ts';
import { createVitals, type Vitals } from './vitals.ts';

/** The nightly sweep comes at a time of its own within this span, so that a fleet of hosts does not come at once. */
const NIGHTLY_SPREAD_MS = 1_800_000;

interface Served extends Opened {
  readonly gate: Gate;
  readonly vitals: Vitals;
}

/** What surrounds the daemon on a real host. */
const surroundingsOf = ({ config, paths, host, clock, log, gate, vitals, stop }: Served): Surroundings => ({
  config,
  deps: host.deps,
  journal: host.journal,
  followers: followersOf({ settings: config.chains, chain: host.chain, journal: host.journal, clock, log }),
  events: createEventSource({ uri: config.libvirtUri, log }),
  forget: (uuid) => host.hypervisor.forget(uuid),
  calendar: createCalendar(NIGHTLY_SPREAD_MS),
  hangup$: fromEvent(process, 'SIGHUP'),
  gate,
  vitals,
  missing: missingOn({ config, paths, host, clock, log, stop }),
  random: Math.random,
  stop,
});

const isPresent = ({ phase }: { readonly phase: string }): boolean => phase === 'present';

const serveHost = async (config: Config, clock: Clock, log: Log, manager: ServiceManager): Promise<void> => {
  const paths = createPaths(process.env);
  const gate = createGate(gateKeysOf(config));
  gate.onOpen(() => log.info({ rule: 'L6' }, 'start-up gate open: harm may be decided from now on'));
  const host = await openHost({ config, paths, clock, log, gateWaitsFor: gate.waitsFor });
  const stop = onStopSignal({ log });
  log.info(
    {
      libvirt: config.libvirtUri,
      chains: config.chains.map(({ chainId }) => chainId),
      machines: Object.keys(host.journal.state().machines).length,
    },
    'started',
  );
  if (config.chains.length === 0)
    log.info({ rule: 'D12' }, 'no chain is configured: records and the wall clock decide');
  if (config.policy.onMissing === 'create' && config.createdByEngine)
    log.warn({ rule: 'D13' }, 'on_missing: create is refused: the engine here creates; create-beside-engine forces it');
  for (const warning of config.warnings) log.warn({ what: warning }, 'configuration');
  const sampling = openSampling({ config, paths, host, clock, log, stop });
  const vitals = createVitals(clock);
  const machines = (): number => Object.values(host.journal.state().machines).filter(isPresent).length;
  const words = speakToManager({ vitals, manager, gate, clock, log, machines, stop });
  try {
    await serve(surroundingsOf({ config, paths, host, clock, log, gate, vitals, stop }));
    log.info({}, 'stopped');
  } finally {
    sampling.close();
    await host.close();
    await words.farewell();
  }
};

/** What endpoints' URLs carry of keys: it never reaches a log, whatever it stands in (C12). */
const secretsOf = ({ chains }: Config): readonly string[] =>
  secretsInUrls(
    chains.flatMap(({ endpoints }) =>
      endpoints.flatMap(({ url, webSocketUrl }) => [url, ...(webSocketUrl ? [webSocketUrl] : [])]),
    ),
  );

/**
 * The daemon from its environment to its exit code: 0 after a stop signal, 1 where only an operator can help
 * (configuration, a second daemon, a journal that is damaged), 75 where trying again may (D4).
 */
export const runDaemon = async (): Promise<number> => {
  const notifyEnvironment = takeNotifyEnvironment(process.env);
  const clock = createSystemClock();
  const level = process.env.BLOCKHOST_LOG_LEVEL === 'debug' ? 'debug' : 'info';
  let log = createLog({ level });
  try {
    const paths = createPaths(process.env);
    const config = await loadConfig({ paths, env: process.env });
    log = createLog({ level, secrets: secretsOf(config) });
    await ensureSharedDirectory(paths.runDir);
    const manager = createServiceManager({ env: notifyEnvironment, pid: process.pid, log });
    await withFlock(join(paths.runDir, 'daemon.lock'), { waitMs: 0 }, () => serveHost(config, clock, log, manager));
    return EXIT.done;
  } catch (error) {
    const final = error instanceof ConfigError || error instanceof LockBusyError;
    log.error(lastWords(error), 'ended');
    return final || (error as { retryable?: boolean }).retryable === false ? EXIT.wrong : EXIT.tryAgain;
  }
};

/** Reads the configuration as the daemon would and tells on stderr what it found; 0 where the daemon would start. */
export const checkConfig = async (): Promise<number> => {
  try {
    const { warnings, chains } = await loadConfig({ paths: createPaths(process.env), env: process.env });
    for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
    process.stderr.write(
      `configuration is right; chains: ${chains.map(({ chainId }) => chainId).join(', ') || 'none'}\n`,
    );
    return EXIT.done;
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    return EXIT.wrong;
  }
};
