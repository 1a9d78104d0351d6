import type { DomainState } from '../../domain/domain-state.ts';
import { HypervisorError } from '../../domain/errors.ts';
import type { Uuid } from '../../domain/identity.ts';
import { type ListedDomain, parseDomainList, parseUuidList } from './parse-domain-list.ts';
import { parseDomainXml } from './parse-domain-xml.ts';
import { type DomainStats, parseDomstats } from './parse-domstats.ts';
import { runStateOf } from './run-state.ts';
import type { VirshShells } from './shells.ts';
import type { StateAges } from './state-ages.ts';
import { hypervisorError, isNoSuchDomain } from './virsh-error.ts';
import type { VirshResult } from './virsh-result.ts';

export interface ObserveDeps {
  readonly shells: Pick<VirshShells, 'read'>;
  readonly ages: StateAges;
  readonly readTimeoutMs: number;
}

/** The reading half of the hypervisor. */
export interface DomainObserver {
  list(): Promise<readonly DomainState[]>;
  look(uuid: Uuid): Promise<DomainState | 'absent'>;
}

/**
 * Makes the reader of domains. Nothing is cached: a read costs a fraction of a millisecond, and what is remembered
 * could be wrong.
 */
export const createDomainObserver = (deps: ObserveDeps): DomainObserver => {
  const read = async (doing: string, ...argv: string[]): Promise<VirshResult> => {
    const result = await deps.shells.read(argv, { timeoutMs: deps.readTimeoutMs });
    if (result.ok || isNoSuchDomain(result)) return result;
    throw hypervisorError(doing, result);
  };
  const listed = async (): Promise<readonly ListedDomain[]> =>
    parsed('list of domains', parseDomainList(await all(read, 'list', '--all', '--uuid', '--name')));
  const uuids = async (filter: string): Promise<ReadonlySet<Uuid>> =>
    new Set(parsed('list of UUIDs', parseUuidList(await all(read, 'list', '--all', '--uuid', filter))));
  const marks = async (): Promise<Marks> => ({
    saved: await uuids('--with-managed-save'),
    transient: await uuids('--transient'),
  });

  /** A save that was given up can leave its guest paused. Where libvirt does not say so, the save is believed to go on (L3). */
  const hasNoJob = async (uuid: Uuid): Promise<boolean> => {
    const job = await deps.shells.read(['domjobinfo', uuid], { timeoutMs: deps.readTimeoutMs });
    return job.ok && /^Job type:\s+None\s*$/m.test(job.stdout);
  };

  /** Undefined where the domain went away meanwhile. */
  const describe = async (uuid: Uuid, stats: DomainStats, marks: Marks): Promise<DomainState | undefined> => {
    const xml = await read(`describe domain ${uuid}`, 'dumpxml', uuid);
    if (!xml.ok) return undefined;
    const facts = parsed(`definition of domain ${uuid}`, parseDomainXml(xml.stdout));
    if (facts.uuid !== uuid) throw garbage(`definition of domain ${uuid}`); // another domain bears this UUID as its name
    const { run, reason: told } = runStateOf(stats.state, stats.reason);
    const reason = told === 'saving' && (await hasNoJob(uuid)) ? 'save-ended' : told;
    const sinceUnixMs = deps.ages.sinceUnixMs(uuid, run, reason);
    return {
      ...facts,
      run,
      reason,
      persistent: !marks.transient.has(uuid),
      hasSavedImage: marks.saved.has(uuid),
      sinceUnixMs,
    };
  };

  const look = async (uuid: Uuid): Promise<DomainState | 'absent'> => {
    const stats = await read(`tell the state of domain ${uuid}`, 'domstats', '--raw', '--nowait', '--state', uuid);
    const [own] = parseDomstats(stats.stdout);
    if (stats.ok && own === undefined) throw garbage(`state of domain ${uuid}`);
    const state = own && (await describe(uuid, own, await marks()));
    if (state) return state;
    // virsh says "failed to get domain" also when it only lost its connection: a full list must agree.
    if ((await listed()).some((domain) => domain.uuid === uuid)) throw garbage(`state of domain ${uuid}`);
    deps.ages.forget(uuid);
    return 'absent';
  };

  const list = async (): Promise<readonly DomainState[]> => {
    const domains = await listed();
    const stats = await read('tell the state of all domains', 'domstats', '--raw', '--nowait', '--state');
    const byName = new Map(parseDomstats(stats.stdout).map((each) => [each.name, each]));
    const theirMarks = await marks();
    const states: DomainState[] = [];
    for (const { uuid, name } of domains) {
      const own = byName.get(name);
      // Renamed, gone or new between two commands: a look of its own decides.
      const state = (own && (await describe(uuid, own, theirMarks))) ?? (await look(uuid));
      if (state !== 'absent') states.push(state);
    }
    deps.ages.keepOnly(new Set(domains.map(({ uuid }) => uuid)));
    return states;
  };

  return { list, look };
};

interface Marks {
  readonly saved: ReadonlySet<Uuid>;
  readonly transient: ReadonlySet<Uuid>;
}

const all = async (read: (doing: string, ...argv: string[]) => Promise<VirshResult>, ...argv: string[]) =>
  (await read('list its domains', ...argv)).stdout;

const parsed = <T>(what: string, value: T | undefined): T => {
  if (value === undefined) throw garbage(what);
  return value;
};

const garbage = (what: string): HypervisorError =>
  new HypervisorError(`libvirt gave a ${what} that cannot be read or does not fit`, {
    code: 'libvirt-garbage',
    retryable: true,
    hint: 'it is asked again; if this goes on, compare with what virsh prints',
  });
