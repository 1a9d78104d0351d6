import { breakerFacts } from '../domain/breaker.ts';
import type { DomainState } from '../domain/domain-state.ts';
import type { LoginView } from '../domain/entitlement.ts';
import { explain, LockBusyError } from '../domain/errors.ts';
import { type Fact, known, unknown } from '../domain/fact.ts';
import { type SubscriptionRef, subscriptionKey, type Uuid } from '../domain/identity.ts';
import type { MachineMemory } from '../domain/journal/memory.ts';
import { provenToken } from '../domain/login.ts';
import type { BindingCandidate, ChainFacts, Observation } from '../domain/observation.ts';
import { hasFilesOf } from '../domain/own-files.ts';
import type { VmRecord } from '../domain/record.ts';
import type { ReadDepth } from '../ports/chain.ts';
import type { Deps } from './deps.ts';
import type { Fleet } from './fleet.ts';
import { rollOf } from './roll.ts';

/** What comes from the chain: read before the machine's lock is taken, used under it while it is fresh (C5, D26). */
export interface ChainReading {
  readonly chain: ChainFacts;
  readonly candidate: BindingCandidate | undefined;
  readonly login: LoginView | undefined;
}

/** What the host itself says, read under the lock immediately before a step (L5). */
export interface HostReading {
  readonly domain: Fact<DomainState | 'absent'>;
  readonly record: Fact<VmRecord | undefined>;
  readonly addressesListed: Fact<boolean>;
  readonly createRuns: Fact<boolean>;
  readonly absentSinceUnixMs: number | undefined;
}

/** A create that is not committed runs for as long as its lock is held; the kernel lets go of it when it dies. */
const createRuns = (deps: Deps, memory: MachineMemory | undefined): Promise<boolean> => {
  if (memory?.phase !== 'creating') return Promise.resolve(false);
  return deps.locks
    .withCreate(memory.name, { waitMs: 0 }, () => Promise.resolve(false))
    .catch((error: unknown) => {
      if (error instanceof LockBusyError) return true;
      throw error;
    });
};

const attempt = async <T>(nowUnixMs: number, read: () => Promise<T>): Promise<Fact<T>> => {
  try {
    return known(await read());
  } catch (error) {
    return unknown(explain(error), nowUnixMs);
  }
};

const nameTaken = (deps: Deps, uuid: Uuid, name: string): boolean =>
  rollOf(deps.journal.state().machines)
    .named(name)
    .some((memory) => memory.uuid !== uuid && memory.phase === 'present');

export const readHost = async (deps: Deps, fleet: Fleet, uuid: Uuid): Promise<HostReading> => {
  const nowUnixMs = deps.clock.nowUnixMs();
  const domain = await attempt(nowUnixMs, () => deps.hypervisor.look(uuid));
  const absentSinceUnixMs = domain.known ? fleet.noteDomain(uuid, domain.value) : undefined;
  const name = fleet.nameOf(uuid);
  const record = await attempt(nowUnixMs, async () => (name === undefined ? undefined : deps.records.read(name)));
  const memory = deps.journal.state().machines[uuid];
  const addressesListed = await attempt(nowUnixMs, async () => {
    const lists = await deps.records.allocated();
    const { ipAddress = '', ipv6Address = '' } = memory?.details ?? {};
    return (
      (ipAddress === '' || lists.ipv4.includes(ipAddress)) && (ipv6Address === '' || lists.ipv6.includes(ipv6Address))
    );
  });
  return {
    domain,
    record,
    addressesListed,
    createRuns: await attempt(nowUnixMs, () => createRuns(deps, memory)),
    absentSinceUnixMs,
  };
};

const chainFactsOf = async (deps: Deps, memory: MachineMemory | undefined, depth: ReadDepth): Promise<ChainFacts> => {
  if (memory?.machineClass.kind !== 'bound') return { kind: 'not-bound' };
  const { subscription } = memory.machineClass;
  if (!deps.chain.configured || !deps.chain.knows(subscription)) return { kind: 'not-configured' };
  return { kind: 'view', view: await deps.chain.entitlement(subscription, depth) };
};

const candidateOf = async (
  deps: Deps,
  uuid: Uuid,
  memory: MachineMemory | undefined,
  fleet: Fleet,
): Promise<BindingCandidate | undefined> => {
  const name = fleet.nameOf(uuid);
  const ref = memory === undefined && name !== undefined ? deps.chain.refForName(name) : undefined;
  return ref && { ref, view: await deps.chain.entitlement(ref, 'head') };
};

/** Who owns the machine's proven token; before a new owner is believed, every endpoint is asked (D25). */
export const readLogin = async (
  deps: Deps,
  host: HostReading,
  memory: MachineMemory | undefined,
  depth: 'head' | 'with-witnesses',
): Promise<LoginView | undefined> => {
  const tokenId = provenToken({ record: host.record, memory });
  if (tokenId === undefined || memory?.phase !== 'present') return undefined;
  const { machineClass } = memory;
  const chain = machineClass.kind === 'bound' ? { chainId: machineClass.subscription.chainId } : {};
  return deps.chain.login({ tokenId, ...chain }, depth);
};

/** Reads the chain for one machine, as deep as asked. */
export const readChain = async (
  deps: Deps,
  fleet: Fleet,
  uuid: Uuid,
  host: HostReading,
  depth: ReadDepth,
): Promise<ChainReading> => {
  const memory = deps.journal.state().machines[uuid];
  // Asked in one moment, so that all of it is one pass over the chain's levels.
  const [chain, candidate, login] = await Promise.all([
    chainFactsOf(deps, memory, depth),
    candidateOf(deps, uuid, memory, fleet),
    readLogin(deps, host, memory, 'head'),
  ]);
  return { chain, candidate, login };
};

const subscriptionTaken = (deps: Deps, uuid: Uuid, host: HostReading, reading: ChainReading): boolean => {
  const claimed: SubscriptionRef | undefined =
    (host.domain.known && host.domain.value !== 'absent' ? host.domain.value.metadata?.subscription : undefined) ??
    reading.candidate?.ref;
  if (claimed === undefined) return false;
  return rollOf(deps.journal.state().machines)
    .boundTo(subscriptionKey(claimed))
    .some((memory) => memory.uuid !== uuid && memory.phase !== 'gone');
};

const filesFit = (deps: Deps, name: string, { domain }: HostReading): boolean =>
  domain.known && domain.value !== 'absent' && hasFilesOf(name, domain.value, deps.ownDirectories);

/** Puts an observation together from what was read; the only place where facts meet. */
export const assemble = (
  deps: Deps,
  fleet: Fleet,
  uuid: Uuid,
  host: HostReading,
  reading: ChainReading,
): Observation => {
  const journal = deps.journal.state();
  const nowUnixMs = deps.clock.nowUnixMs();
  const memory = journal.machines[uuid];
  const name = fleet.nameOf(uuid) ?? '';
  return {
    nowUnixMs,
    uuid,
    name,
    bootId: deps.bootId,
    memory,
    ...host,
    ...reading,
    nameTaken: nameTaken(deps, uuid, name),
    subscriptionTaken: subscriptionTaken(deps, uuid, host, reading),
    filesFit: filesFit(deps, name, host),
    gateWaitsFor: deps.gateWaitsFor(),
    clockDoubt: journal.clockDoubt,
    ...breakerFacts(journal, deps.policy, nowUnixMs),
  };
};
