import type { DomainState } from '../domain/domain-state.ts';
import type { Uuid } from '../domain/identity.ts';
import type { JournalState } from '../domain/journal/memory.ts';
import type { Deps } from './deps.ts';
import { livingOf, rollOf } from './roll.ts';

/** Who is who on this host: from the journal and from the last look at libvirt. */
export interface Fleet {
  /** Looks at all domains and returns every machine that is worth a decision. */
  survey(): Promise<readonly Uuid[]>;
  /** The domain of that name, else the present machine; never one that is in quarantine or gone: its successor may come. */
  uuidOf(name: string): Uuid | undefined;
  nameOf(uuid: Uuid): string | undefined;
  /** The machine that a subscription is bound to: the living one where there were several (C11). */
  boundTo(subscription: string): Uuid | undefined;
  /** Since when this process has found no such domain. */
  noteDomain(uuid: Uuid, domain: DomainState | 'absent'): number | undefined;
}

/** Machines whose life is over are still looked at, so that a payment for one of them is told (C11). */
const remembered = (journal: JournalState): readonly Uuid[] => Object.keys(journal.machines);

export const createFleet = (deps: Pick<Deps, 'hypervisor' | 'journal' | 'clock'>): Fleet => {
  const names = new Map<Uuid, string>();
  const uuids = new Map<string, Uuid>();
  const absentSince = new Map<Uuid, number>();

  const forget = (uuid: Uuid): void => {
    const name = names.get(uuid);
    names.delete(uuid);
    if (name !== undefined && uuids.get(name) === uuid) uuids.delete(name);
  };

  const noteDomain = (uuid: Uuid, domain: DomainState | 'absent'): number | undefined => {
    if (domain !== 'absent') {
      if (names.get(uuid) !== domain.name) forget(uuid);
      names.set(uuid, domain.name);
      uuids.set(domain.name, uuid);
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
      for (const uuid of [...names.keys()]) if (!present.has(uuid)) forget(uuid);
      for (const domain of domains) noteDomain(domain.uuid, domain);
      return [...new Set([...present, ...remembered(deps.journal.state())])];
    },
    uuidOf: (name) =>
      uuids.get(name) ??
      rollOf(deps.journal.state().machines)
        .named(name)
        .find(({ phase }) => phase === 'present')?.uuid,
    nameOf: (uuid) => names.get(uuid) ?? deps.journal.state().machines[uuid]?.name,
    boundTo: (subscription) => livingOf(rollOf(deps.journal.state().machines).boundTo(subscription))?.uuid,
  };
};
