import { type DomainState, isOn } from '../domain/domain-state.ts';
import { BlockhostError } from '../domain/errors.ts';
import { hasFilesOf } from '../domain/own-files.ts';
import type { VmRecord } from '../domain/record.ts';
import type { Hypervisor } from '../ports/hypervisor.ts';
import type { Records } from '../ports/records.ts';

/** The contract's four words (contract §2, `status`). */
export type Status = 'active' | 'suspended' | 'destroyed' | 'unknown';

/** Powered, and not working. */
const STANDS_STILL: ReadonlySet<string> = new Set(['paused', 'pmsuspended']);

interface StatusDeps {
  readonly records: Records;
  readonly hypervisor: Hypervisor;
  /** Where files of ours lie. */
  readonly ownDirectories: readonly string[];
}

/** Ours by its metadata, or by a record that its files fit (D8); somebody else's domain may bear any name. */
const isOurs = (deps: StatusDeps, domain: DomainState, record: VmRecord | undefined): boolean =>
  domain.metadata?.uuid === domain.uuid ||
  (record !== undefined && hasFilesOf(record.name, domain, deps.ownDirectories));

/**
 * How a machine stands, from its record and libvirt: `destroyed` where the record says so or its domain is known to be
 * absent, `unknown` where neither exists, where the domain is somebody else's, or where libvirt cannot be asked. libvirt's silence is never `destroyed` (L3).
 */
export const statusOf = async (deps: StatusDeps, name: string): Promise<Status> => {
  const { records, hypervisor } = deps;
  try {
    const record = await records.read(name);
    if (record?.status === 'destroyed') return 'destroyed';
    const domain = (await hypervisor.list()).find((each) => each.name === name);
    if (domain === undefined) return record === undefined ? 'unknown' : 'destroyed';
    if (!isOurs(deps, domain, record)) return 'unknown';
    return isOn(domain) && !STANDS_STILL.has(domain.run) ? 'active' : 'suspended';
  } catch (error) {
    if (error instanceof BlockhostError) return 'unknown';
    throw error;
  }
};
