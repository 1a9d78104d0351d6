import type { DomainState } from './domain-state.ts';
import type { MachineMemory, StopCause } from './journal/memory.ts';

/**
 * Why is this machine off (D16)? A cause that was noted stays until the machine has been on again; a stop in the middle
 * of a suspension is ours. libvirt forgets its reasons when it restarts: a machine that was last seen on is then off
 * because the host was (L6); one that was never seen on is left to its operator.
 */
export const stopCauseOf = (memory: MachineMemory, domain: DomainState): StopCause => {
  if (memory.run?.on === false && memory.run.cause !== undefined) return memory.run.cause;
  if (memory.suspending !== undefined || memory.suspendedAtUnixMs !== undefined) return 'expiry';
  if (memory.adminStop !== undefined) return 'admin';
  if (domain.run === 'crashed') return 'crash';
  switch (domain.reason) {
    case 'crashed':
    case 'failed':
      return 'crash';
    case 'shutdown':
      return 'owner';
    case 'destroyed':
    case 'saved':
    case 'snapshot':
      return 'admin';
    default:
      return memory.run?.on ? 'host' : 'admin';
  }
};
