import { createPaths, type Paths } from '../config/paths.ts';
import { explain } from '../domain/errors.ts';
import { type Metrics, metricsOf } from '../domain/metrics.ts';
import { readBootIdSync } from '../drivers/samples/boot-id.ts';
import { createSampleFile } from '../drivers/samples/sample-file.ts';

/*
 * A watchdog runs this for many machines every two seconds and gives each half a second, so start-up is everything: while a
 * daemon counts, its file is all that is read, and nothing but what reads it is loaded.
 */

/** The daemon counts every two seconds: what is older than this says that it does not any more. */
const DAEMON_FRESH_MS = 6_000;

const monotonicMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);

const fromDaemon = (paths: Paths, bootId: string, name: string): Metrics | undefined => {
  const pair = createSampleFile(paths.daemonSamples, bootId).read();
  const nowMs = monotonicMs();
  if (pair === undefined || nowMs - pair.latest.atMs > DAEMON_FRESH_MS) return undefined;
  const machine = Object.hasOwn(pair.latest.machines, name) ? pair.latest.machines[name] : undefined;
  return machine?.ours === true ? metricsOf(pair, name, nowMs) : undefined;
};

/** `metrics <name>`: one JSON object on stdout (interop §8); exit 1 for a machine that does not exist or is not ours. */
export const metrics = async (name: string): Promise<void> => {
  let exitCode = 0;
  try {
    const paths = createPaths(process.env);
    const bootId = readBootIdSync();
    const found =
      fromDaemon(paths, bootId, name) ?? (await (await import('./count-metrics.ts')).countMetrics(paths, bootId, name));
    process.stdout.write(`${JSON.stringify(found)}\n`);
  } catch (error) {
    process.stderr.write(`blockhost-vm-metrics: ${explain(error)}\n`);
    exitCode = 1;
  }
  // A kept shell is no reason to stay; pipes and files are written synchronously.
  process.exit(exitCode);
};
