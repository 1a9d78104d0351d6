import { detailsFrom } from '../../domain/adoption.ts';
import type { DomainState } from '../../domain/domain-state.ts';
import type { MachineMemory } from '../../domain/journal/memory.ts';
import type { VmRecord } from '../../domain/record.ts';
import type { Deps } from '../deps.ts';
import type { Fleet } from '../fleet.ts';
import { createReconcile, type Round } from '../reconcile.ts';
import { rollOf } from '../roll.ts';

/** Who bears a name. */
export type Found =
  /** `adopted` is false where whether its name binds could not be asked: the journal does not know it yet. */
  | { readonly kind: 'machine'; readonly memory: MachineMemory; readonly adopted: boolean }
  | { readonly kind: 'foreign'; readonly because: string }
  /** A live record, and nothing behind it that anybody remembers. */
  | { readonly kind: 'record'; readonly record: VmRecord }
  | { readonly kind: 'over'; readonly memory: MachineMemory | undefined }
  | { readonly kind: 'nobody' };

/** The living before those on their way out; of two that are alive on paper, the one with a domain. */
const PHASES: readonly MachineMemory['phase'][] = ['present', 'creating', 'restoring', 'destroying', 'quarantined'];

const inJournal = async (deps: Deps, name: string): Promise<MachineMemory | undefined> => {
  const named = rollOf(deps.journal.state().machines).named(name);
  const present = named.filter(({ phase }) => phase === 'present');
  if (present.length > 1) {
    for (const memory of present) if ((await deps.hypervisor.look(memory.uuid)) !== 'absent') return memory;
  }
  return PHASES.flatMap((wanted) => named.filter(({ phase }) => phase === wanted))[0];
};

/** A machine of the record's that cannot be adopted now: enough of a memory to turn it on or off. */
const provisional = (domain: DomainState, record: VmRecord, nowUnixMs: number): MachineMemory => ({
  uuid: domain.uuid,
  name: record.name,
  machineClass: { kind: 'record-only' },
  details: detailsFrom(record, domain, nowUnixMs),
  phase: 'present',
  witnesses: [],
  failures: {},
});

/** One round of adoption (D8, D10): the daemon's own decision, and nothing after it. */
const adopt = async (deps: Deps, fleet: Fleet, domain: DomainState): Promise<Found> => {
  let round: Round | undefined;
  await createReconcile(deps, fleet, { roundsMax: 1, mayDo: () => false })(domain.uuid, (heard) => {
    round = heard;
  });
  const memory = deps.journal.state().machines[domain.uuid];
  if (memory) return { kind: 'machine', memory, adopted: true };
  const record = round?.observation.record;
  const live = record?.known && record.value && record.value.status !== 'destroyed' ? record.value : undefined;
  if (round?.plan.row === 'adoption-waits' && live) {
    return { kind: 'machine', memory: provisional(domain, live, deps.clock.nowUnixMs()), adopted: false };
  }
  return { kind: 'foreign', because: round?.plan.because ?? 'nothing could be found out about it' };
};

const byDomain = async (deps: Deps, fleet: Fleet, name: string): Promise<Found | undefined> => {
  await fleet.survey();
  const domain = (await deps.hypervisor.list()).find((each) => each.name === name);
  if (domain === undefined) return undefined;
  const memory = deps.journal.state().machines[domain.uuid];
  if (memory === undefined) return adopt(deps, fleet, domain);
  if (memory.phase === 'gone') return { kind: 'foreign', because: 'it was destroyed, and somebody defined it again' };
  return { kind: 'machine', memory, adopted: true };
};

const byRecord = async (deps: Deps, name: string): Promise<Found> => {
  const record = await deps.records.read(name);
  const gone = rollOf(deps.journal.state().machines).named(name).at(-1);
  if (record === undefined && gone === undefined) return { kind: 'nobody' };
  if (record === undefined || record.status === 'destroyed') return { kind: 'over', memory: gone };
  const sameMachine = gone !== undefined && gone.details.createdAtUnix === record.createdAtUnix;
  return sameMachine ? { kind: 'over', memory: gone } : { kind: 'record', record };
};

/**
 * Finds the machine of a name: in the journal, else by its domain, which is adopted first if it is one of ours, else by
 * its record. Throws where libvirt or the records do not answer: who cannot be seen is not nobody (L3).
 */
export const findMachine = async (deps: Deps, fleet: Fleet, name: string): Promise<Found> => {
  await deps.journal.refresh();
  const known = await inJournal(deps, name);
  if (known?.phase === 'present') return { kind: 'machine', memory: known, adopted: true };
  const there = await byDomain(deps, fleet, name);
  if (there) return there;
  return known ? { kind: 'machine', memory: known, adopted: true } : byRecord(deps, name);
};
