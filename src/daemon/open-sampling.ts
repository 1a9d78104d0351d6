import type { Config } from '../config/load.ts';
import type { Paths } from '../config/paths.ts';
import { readQemuUptimes } from '../drivers/samples/qemu-uptime.ts';
import { createSampleFile } from '../drivers/samples/sample-file.ts';
import { createSampler } from '../drivers/virsh/sampler.ts';
import { createShells } from '../drivers/virsh/shells.ts';
import type { Host } from '../host/open-host.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { keepSampling } from './sampling.ts';

export interface OpenSamplingDeps {
  readonly config: Config;
  readonly paths: Paths;
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Log;
  readonly stop: AbortSignal;
}

/** Begins to count, in a shell of its own: a count never delays a look at a machine. `close` ends what is under way. */
export const openSampling = ({ config, paths, host, clock, log, stop }: OpenSamplingDeps): { close(): void } => {
  const shells = createShells({ uri: config.libvirtUri, clock, log, sizes: { read: 1, mutate: 1, agent: 1 } });
  const { bootId } = host.deps;
  const machines = host.journal.state;
  const sampler = createSampler({
    shells,
    clock,
    uptimes: readQemuUptimes,
    knows: (uuid) => Object.hasOwn(machines().machines, uuid) && machines().machines[uuid]?.phase !== 'gone',
  });
  void keepSampling({ sampler, store: createSampleFile(paths.daemonSamples, bootId), clock, log, bootId, stop });
  return { close: () => shells.close() };
};
