import type { DomainState } from '../domain/domain-state.ts';
import type { Uuid } from '../domain/identity.ts';
import { subscriptionKey } from '../domain/identity.ts';
import type { JournalState } from '../domain/journal/memory.ts';
import type { Deps } from './deps.ts';

/** Who is who on this host: from the journal and from the last look at libvirt. */
export interface Fleet {
  /** Looks at all domains and returns every machine that is worth a decision. */
  survey(): Promise<readonly Uuid[]>;
  uuidOf(name: string): Uuid | undefined;
  nameOf(uuid: Uuid): string | undefined;
  /** The machine that a subscription is bound to. */
  boundTo(subscription: string): Uuid | undefined;
  /** Since when this process has found no such domain. */
  noteDomain(uuid: Uuid, domain: DomainState | 'absent'): number | undefined;
}

/** Machines whose life is over are still looked at, so that a payment for one of them is told (C11). */
const remembered = (journal: JournalState): readonly Uuid[] => Object.keys(journal.machines);

export const createFleet = (deps: Pick<Deps, 'hypervisor' | 'journal' | 'clock'>): Fleet => {
  const names = new Map<Uuid, string>();
  const absentSince = new Map<Uuid, number>();

  const noteDomain = (uuid: Uuid, domain: DomainState | 'absent'): number | undefined => {
    if (domain !== 'absent') {
      names.set(uuid, domain.name);
      absentSince.delete(uuid);
      return undefined;
    }
    const since = absentSince.get(uuid) ?? deps.clock.nowUnixMs();
    absentSince.set(uuid, since);
    return since;
  };

  return {
    noteDomain,
    survey: async () => {
      const domains = await deps.hypervisor.list();
      const present = new Set(domains.map((domain) => domain.uuid));
      for (const uuid of names.keys()) if (!present.has(uuid)) names.delete(uuid);
      for (const domain of domains) noteDomain(domain.uuid, domain);
      return [...new Set([...present, ...remembered(deps.journal.state())])];
    },
    uuidOf: (name) => {
      for (const [uuid, known] of names) if (known === name) return uuid;
      const memories = Object.values(deps.journal.state().machines).filter((memory) => memory.name === name);
      return (memories.find((memory) => memory.phase !== 'gone') ?? memories.at(-1))?.uuid;
    },
    nameOf: (uuid) => names.get(uuid) ?? deps.journal.state().machines[uuid]?.name,
    boundTo: (subscription) =>
      Object.values(deps.journal.state().machines).find(
        ({ machineClass }) =>
          machineClass.kind === 'bound' && subscriptionKey(machineClass.subscription) === subscription,
      )?.uuid,
  };
};
