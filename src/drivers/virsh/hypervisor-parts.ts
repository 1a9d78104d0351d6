import { isOn } from '../../domain/domain-state.ts';
import { HypervisorError } from '../../domain/errors.ts';
import type { Uuid } from '../../domain/identity.ts';
import type { Hypervisor } from '../../ports/hypervisor.ts';
import type { Log } from '../../ports/log.ts';
import type { VirshShells } from './shells.ts';
import { hypervisorError } from './virsh-error.ts';
import type { VirshResult } from './virsh-result.ts';

/** How long each kind of command may take. */
export interface Deadlines {
  readonly readTimeoutMs: number;
  /** Everything that neither boots nor moves memory. */
  readonly changeTimeoutMs: number;
  /** Boot, restore and save: these move a guest's whole memory. */
  readonly moveTimeoutMs: number;
}

/** Runs one command that changes something. */
export type RunCommand = (
  argv: readonly string[],
  options: { readonly timeoutMs: number; readonly via?: VirshShells['read'] },
) => Promise<VirshResult>;

/** What the parts of the hypervisor share. */
export interface HypervisorParts {
  readonly shells: VirshShells;
  readonly log: Log;
  readonly deadlines: Deadlines;
  readonly run: RunCommand;
  readonly look: Hypervisor['look'];
}

/** Throws where the result is not `ok`. */
export const expectOk = (doing: string, result: VirshResult): VirshResult => {
  if (!result.ok) throw hypervisorError(doing, result);
  return result;
};

/** Throws unless the domain is there and off. */
export const expectOff = async (look: Hypervisor['look'], uuid: Uuid, doing: string): Promise<'off' | 'absent'> => {
  const domain = await look(uuid);
  if (domain === 'absent') return 'absent';
  if (!isOn(domain)) return 'off';
  throw new HypervisorError(`domain ${uuid} is ${domain.run}: it is not ${doing} while it is on`, {
    code: 'domain-is-on',
    retryable: false,
    hint: 'power it off first',
  });
};
