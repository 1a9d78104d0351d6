import type { Command } from 'commander';
import { machineName } from './machine-name.ts';
import { program } from './program.ts';

/** `blockhost-vm-metrics`: what a machine does now, for a watchdog (interop §8). */
export const vmMetrics = (): Command =>
  program({
    name: 'blockhost-vm-metrics',
    description: 'Prints what a machine does now as one JSON object: processor, memory, disk, network and guest agent.',
    examples: ['blockhost-vm-metrics blockhost-007', 'blockhost-vm-metrics blockhost-007 | jq .cpu_percent'],
    exitStatus: '0, or 1 where there is no such machine of ours or libvirt does not answer.',
  })
    .argument('<name>', 'name of the machine', machineName)
    .addHelpText(
      'after',
      '\ncpu_percent is of all vCPUs of the machine, 0 to 100; rates are per second; -1 is what cannot be known;' +
        '\nuptime_seconds counts from the start of its qemu. No guest is ever waited for.',
    )
    .action(async (name: string) => (await import('../../src/commands/metrics.ts')).metrics(name));
