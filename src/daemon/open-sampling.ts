import { readQemuUptimes } from '../drivers/samples/qemu-uptime.ts';
import { createSampleFile } from '../drivers/samples/sample-file.ts';
import { createSampler } from '../drivers/virsh/sampler.ts';
import { createShells } from '../drivers/virsh/shells.ts';
import type { Opened } from './opened.ts';
import { keepSampling } from './sampling.ts';

/** Begins to count, in a shell of its own: a count never delays a look at a machine. `close` ends what is under way. */
export const openSampling = ({ config, paths, host, clock, log, stop }: Opened): { close(): void } => {
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
