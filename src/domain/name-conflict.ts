import type { DomainState } from './domain-state.ts';
import { type SubscriptionRef, subscriptionKey } from './identity.ts';
import type { MachineMemory } from './journal/memory.ts';
import type { VmRecord } from './record.ts';

export interface NameFacts {
  readonly name: string;
  /** What the new machine would be bound to. */
  readonly subscription: SubscriptionRef | undefined;
  readonly machines: readonly MachineMemory[];
  readonly domains: readonly DomainState[];
  readonly records: readonly VmRecord[];
}

const isBoundTo = ({ machineClass }: MachineMemory, ref: SubscriptionRef | undefined): boolean =>
  ref !== undefined &&
  machineClass.kind === 'bound' &&
  subscriptionKey(machineClass.subscription) === subscriptionKey(ref);

const byMachine = (memory: MachineMemory, { name, subscription }: NameFacts): string | undefined => {
  const bound = isBoundTo(memory, subscription);
  if (memory.phase === 'gone' || (memory.name !== name && !bound)) return undefined;
  if (memory.phase !== 'quarantined')
    return memory.name === name
      ? `a machine called ${name} is there already (${memory.phase})`
      : `subscription ${subscription?.subscriptionId} has a machine already: ${memory.name}`;
  return bound
    ? `${memory.name} of the same subscription waits in quarantine: blockhost-vm-resume ${memory.name} brings it back, blockhost-vm-destroy ${memory.name} deletes it`
    : undefined;
};

/** Why a new machine cannot have this name, one sentence each (D9, D21). A destroyed machine's name is free. */
export const nameConflicts = (facts: NameFacts): readonly string[] => {
  const machines = facts.machines.flatMap((memory) => byMachine(memory, facts) ?? []);
  if (machines.length > 0) return machines;
  if (facts.domains.some((domain) => domain.name === facts.name))
    return [`libvirt has a domain called ${facts.name} that is none of ours`];
  const record = facts.records.find((one) => one.name === facts.name && one.status !== 'destroyed');
  return record ? [`the records have a machine called ${facts.name} (${record.status}), though it has no domain`] : [];
};
