import type { DomainState } from '../domain/domain-state.ts';
import { BlockhostError } from '../domain/errors.ts';
import type { MachineMemory } from '../domain/journal/memory.ts';
import { hasFilesOf } from '../domain/own-files.ts';
import type { VmRecord } from '../domain/record.ts';
import type { Deps } from './deps.ts';
import { rollOf } from './roll.ts';

type FindDeps = Pick<Deps, 'hypervisor' | 'journal' | 'ownDirectories' | 'records'>;

/** A machine of ours that has its domain, with what is known of it. */
export interface OwnDomain {
  readonly domain: DomainState;
  readonly memory: MachineMemory | undefined;
  readonly record: VmRecord | undefined;
}

/** What is left of a machine in these phases may bear the name of its successor. */
const OVER: ReadonlySet<MachineMemory['phase']> = new Set(['gone', 'quarantined']);

const domainNamed = async (deps: FindDeps, name: string, known: MachineMemory | undefined) => {
  const seen = known && (await deps.hypervisor.look(known.uuid));
  if (seen !== undefined && seen !== 'absent' && seen.name === name) return seen;
  return (await deps.hypervisor.list()).find((domain) => domain.name === name);
};

const refusal = (message: string, code: string): BlockhostError =>
  new BlockhostError(message, { code, retryable: false, hint: 'blockhost-vm-list shows the machines of this host' });

/**
 * The domain of that name, if it is ours by journal, metadata or a live record that its files fit (D8); throws where there is none, and where it is
 * somebody else's, which nobody touches.
 */
export const findOwnDomain = async (deps: FindDeps, name: string): Promise<OwnDomain> => {
  const { machines } = await deps.journal.refresh();
  const known = rollOf(machines)
    .named(name)
    .find(({ phase }) => !OVER.has(phase));
  const domain = await domainNamed(deps, name, known);
  if (domain === undefined) throw refusal(`there is no machine ${name}`, 'no-machine');
  const memory = Object.hasOwn(machines, domain.uuid) ? machines[domain.uuid] : undefined;
  const record = await deps.records.read(name);
  const marked = domain.metadata?.uuid === domain.uuid;
  const recorded =
    record !== undefined && record.status !== 'destroyed' && hasFilesOf(name, domain, deps.ownDirectories);
  if (memory === undefined && !marked && !recorded) {
    throw refusal(`${name} is no machine of ours: neither journal, metadata nor record knows it`, 'foreign-machine');
  }
  return { domain, memory, record };
};
