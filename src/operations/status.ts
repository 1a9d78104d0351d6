import { isOn } from '../domain/domain-state.ts';
import { BlockhostError } from '../domain/errors.ts';
import type { Hypervisor } from '../ports/hypervisor.ts';
import type { Records } from '../ports/records.ts';

/** The contract's four words (contract §2, `status`). */
export type Status = 'active' | 'suspended' | 'destroyed' | 'unknown';

/** Powered, and not working. */
const STANDS_STILL: ReadonlySet<string> = new Set(['paused', 'pmsuspended']);

/**
 * How a machine stands, from its record and libvirt: `destroyed` where the record says so or its domain is known to be
 * absent, `unknown` where neither exists or libvirt cannot be asked. libvirt's silence is never `destroyed` (L3).
 */
export const statusOf = async (
  { records, hypervisor }: { readonly records: Records; readonly hypervisor: Hypervisor },
  name: string,
): Promise<Status> => {
  try {
    const record = await records.read(name);
    if (record?.status === 'destroyed') return 'destroyed';
    const domain = (await hypervisor.list()).find((each) => each.name === name);
    if (domain === undefined) return record === undefined ? 'unknown' : 'destroyed';
    return isOn(domain) && !STANDS_STILL.has(domain.run) ? 'active' : 'suspended';
  } catch (error) {
    if (error instanceof BlockhostError) return 'unknown';
    throw error;
  }
};
