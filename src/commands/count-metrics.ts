import { readFile } from 'node:fs/promises';
import type { Paths } from '../config/paths.ts';
import { BlockhostError } from '../domain/errors.ts';
import { type Metrics, metricsOf } from '../domain/metrics.ts';
import { createSystemClock } from '../drivers/clock/system-clock.ts';
import { quietLog } from '../drivers/log/quiet-log.ts';
import { readQemuUptimes } from '../drivers/samples/qemu-uptime.ts';
import { createSampleFile } from '../drivers/samples/sample-file.ts';
import { createSampler } from '../drivers/virsh/sampler.ts';
import { createShells } from '../drivers/virsh/shells.ts';
import { pairWith } from '../operations/sample-host.ts';

/** Reading all of the configuration takes longer than counting: it is done only where it says which libvirt. */
const libvirtUri = async (paths: Paths): Promise<string> => {
  const ours = await readFile(paths.provisionerYaml, 'utf8').catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? '' : 'libvirt_uri',
  );
  if (!ours.includes('libvirt_uri')) return process.env.LIBVIRT_DEFAULT_URI || 'qemu:///system';
  const { loadConfig } = await import('../config/load.ts');
  return (await loadConfig({ paths, env: process.env })).libvirtUri;
};

const refusal = (message: string, code: string): BlockhostError =>
  new BlockhostError(message, { code, retryable: false });

/** Counts by itself, where no daemon does. Throws where there is no such machine, where it is not ours, or libvirt is away. */
export const countMetrics = async (paths: Paths, bootId: string, name: string): Promise<Metrics> => {
  const clock = createSystemClock();
  const sizes = { read: 1, mutate: 1, agent: 1 };
  const shells = createShells({ uri: await libvirtUri(paths), clock, log: quietLog, sizes });
  try {
    const sampler = createSampler({
      shells,
      clock,
      uptimes: readQemuUptimes,
      knows: (uuid, metadata) => metadata?.uuid === uuid,
    });
    const pair = await pairWith({ sampler, store: createSampleFile(paths.ownSamples, bootId), clock, bootId }, name);
    const found = metricsOf(pair, name, clock.monotonicMs());
    if (found === undefined) throw refusal(`there is no machine ${name}`, 'no-machine');
    const machine = pair.latest.machines[name];
    if (machine?.ours !== true) await refuseForeign(paths, name);
    return found;
  } finally {
    shells.close();
  }
};

/** Without metadata it may be ours all the same, by journal or record (D8); that takes longer, and is seldom. */
const refuseForeign = async (paths: Paths, name: string): Promise<void> => {
  const { openMachines } = await import('../host/open-machines.ts');
  const { loadConfig } = await import('../config/load.ts');
  const { findOwnDomain } = await import('../operations/find-own-domain.ts');
  const config = await loadConfig({ paths, env: process.env });
  const host = await openMachines({ config, paths, clock: createSystemClock(), log: quietLog });
  try {
    await findOwnDomain(host, name);
  } finally {
    await host.close();
  }
};
