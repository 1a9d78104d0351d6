import { HypervisorError } from '../../domain/errors.ts';
import { isConnectionFailure, type VirshResult } from './virsh-result.ts';

/**
 * Says in one sentence what libvirt did not do, from a result that is not `ok`; `doing` completes "libvirt did not …".
 * Codes: `libvirt-timeout`, `libvirt-unreachable`, `libvirt-denied`, `domain-absent`, `libvirt-refused`; all retryable,
 * since only what an operator has to undo (`saved-image-corrupt`, `io-error`, `domain-is-on`) is not.
 */
export const hypervisorError = (doing: string, result: VirshResult): HypervisorError => {
  const said = sayings(result.stderr);
  const cause = new Error(said || 'virsh said nothing');
  if (result.timedOut) {
    const message = said.includes('virsh') ? said : `no answer within ${Math.round(result.durationMs / 100) / 10} s`;
    return new HypervisorError(`libvirt did not ${doing}: ${message}`, {
      code: 'libvirt-timeout',
      retryable: true,
      hint: 'if this goes on, libvirtd hangs: look at `systemctl status libvirtd`',
      cause,
    });
  }
  if (result.died || isConnectionFailure(result.stderr)) {
    return new HypervisorError(`libvirt did not ${doing}: no connection (${said || 'the virsh shell ended'})`, {
      code: 'libvirt-unreachable',
      retryable: true,
      hint: 'is libvirtd running, and virsh installed?',
      cause,
    });
  }
  if (/authentication|access denied|permission denied/i.test(said)) {
    return new HypervisorError(`libvirt did not ${doing}: ${said}`, {
      code: 'libvirt-denied',
      retryable: true,
      hint: 'this user must be in group libvirt, and where libvirt asks polkit, its rules must let him do it',
      cause,
    });
  }
  return new HypervisorError(`libvirt did not ${doing}: ${said || 'no reason given'}`, {
    code: isNoSuchDomain(result) ? 'domain-absent' : 'libvirt-refused',
    retryable: true,
    cause,
  });
};

/** What virsh says of a domain that it cannot find. Not proof by itself: it says so too when it only lost its connection. */
export const isNoSuchDomain = ({ stderr }: VirshResult): boolean =>
  /failed to get domain|Domain not found/.test(stderr);

/** Said of a domain that is off, and by some commands of a paused one. */
export const isNotRunning = ({ stderr }: VirshResult): boolean => /domain is not running/.test(stderr);

export const isAlreadyOn = ({ stderr }: VirshResult): boolean => /Domain is already active/.test(stderr);

const sayings = (stderr: string): string =>
  stderr
    .split('\n')
    .map((line) => line.replace(/^error: /, '').trim())
    .filter((line) => line !== '')
    .join('; ')
    .slice(0, 500);
