import { type Command, InvalidArgumentError } from 'commander';
import type { AskedLimits } from '../../src/domain/limits.ts';
import { machineName } from './machine-name.ts';
import { program } from './program.ts';

interface Options extends AskedLimits {
  readonly reset?: boolean;
  readonly cpuQuota?: number;
  readonly bandwidthIn?: number;
  readonly bandwidthOut?: number;
  readonly iopsRead?: number;
  readonly iopsWrite?: number;
}

const LARGEST = 1_000_000_000;

/** A whole number up to `max`; 0 takes the limit away. */
const upTo =
  (max: number) =>
  (text: string): number => {
    if (!/^[0-9]{1,10}$/.test(text) || Number(text) > max) {
      throw new InvalidArgumentError(`wants a whole number from 1 to ${max}, or 0 for unlimited.`);
    }
    return Number(text);
  };

/** `blockhost-vm-throttle`: limits of a machine that is abused (interop §8). */
export const vmThrottle = (): Command =>
  program({
    name: 'blockhost-vm-throttle',
    description: 'Limits what a machine may use; what is not named stays as it is.',
    examples: [
      'blockhost-vm-throttle blockhost-007 --cpu-quota 50 --iops-write 200',
      'blockhost-vm-throttle blockhost-007 --bandwidth-out 10000',
      'blockhost-vm-throttle blockhost-007 --reset',
    ],
    exitStatus: '0 done, also where nothing was asked; 1 where a limit cannot be set: then none of them is changed.',
  })
    .argument('<name>', 'name of the machine', machineName)
    .option('--cpu-shares <weight>', 'weight against other machines, 1 to 10000', upTo(10_000))
    .option('--cpu-quota <percent>', 'percent of its vCPUs, 1 to 100', upTo(100))
    .option('--bandwidth-in <kbps>', 'what it receives, in kbit/s', upTo(LARGEST))
    .option('--bandwidth-out <kbps>', 'what it sends, in kbit/s', upTo(LARGEST))
    .option('--iops-read <n>', 'read operations per second, for each disk', upTo(LARGEST))
    .option('--iops-write <n>', 'write operations per second, for each disk', upTo(LARGEST))
    .option('--reset', 'take all limits away first')
    .addHelpText(
      'after',
      '\n0 is unlimited. Limits stay until they are changed, and are set again at every start of the machine.',
    )
    .action(async (name: string, options: Options) =>
      (await import('../../src/commands/throttle.ts')).throttle(
        name,
        {
          cpuShares: options.cpuShares,
          cpuQuotaPercent: options.cpuQuota,
          bandwidthInKbps: options.bandwidthIn,
          bandwidthOutKbps: options.bandwidthOut,
          readIops: options.iopsRead,
          writeIops: options.iopsWrite,
        },
        options.reset === true,
      ),
    );
