import { HypervisorError } from '../../domain/errors.ts';
import type { HostCapacity } from '../../ports/machine-builder.ts';
import type { VirshShells } from '../virsh/shells.ts';
import { hypervisorError } from '../virsh/virsh-error.ts';
import { lookAtPool } from './pool.ts';

const timeoutMs = 15_000;
const kibPerMib = 1024;

/**
 * What the host has, as libvirt counts it. Free memory is the smaller of what is not in use now and what is not promised
 * to machines that run: one that has just booted has not yet taken what it was sold.
 */
export const readCapacity = async (shells: VirshShells, pool: string): Promise<Omit<HostCapacity, 'accelerator'>> => {
  const ask = async (doing: string, ...argv: string[]): Promise<string> => {
    const result = await shells.read(argv, { timeoutMs });
    if (!result.ok) throw hypervisorError(doing, result);
    return result.stdout;
  };
  const [node, memory, balloons, storage] = await Promise.all([
    ask('count its processors', 'nodeinfo'),
    ask('count its memory', 'nodememstats'),
    ask('count what its machines have', 'domstats', '--raw', '--nowait', '--list-active', '--balloon'),
    lookAtPool(shells, pool),
  ]);
  const kib = (name: string): number => number(memory, new RegExp(`^${name}\\s*:\\s*(\\d+) KiB$`, 'm'));
  const total = kib('total');
  const idle = kib('free') + kib('buffers') + kib('cached');
  const promised = [...balloons.matchAll(/balloon\.maximum=(\d+)/g)].reduce((sum, [, each]) => sum + Number(each), 0);
  return {
    cpus: number(node, /^CPU\(s\):\s+(\d+)$/m),
    memoryMib: Math.floor(total / kibPerMib),
    memoryFreeMib: Math.max(0, Math.floor(Math.min(idle, total - promised) / kibPerMib)),
    storageFreeBytes: storage === 'absent' ? 0 : storage.availableBytes,
  };
};

const number = (text: string, pattern: RegExp): number => {
  const found = pattern.exec(text)?.[1];
  if (found !== undefined) return Number(found);
  throw new HypervisorError('libvirt described the host in words that are not understood', {
    code: 'libvirt-words',
    retryable: true,
    cause: new Error(text.slice(0, 300)),
  });
};
