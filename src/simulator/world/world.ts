import { HypervisorError, RecordsError } from '../../domain/errors.ts';
import type { Address } from '../../domain/identity.ts';
import { createChain } from '../../drivers/chain/chain.ts';
import type { CreateDeps } from '../../operations/create/create-deps.ts';
import type { Deps } from '../../operations/deps.ts';
import type { Journal } from '../../ports/journal.ts';
import type { Log } from '../../ports/log.ts';
import { createModelBuilder, placesOf } from '../models/model-builder.ts';
import type { ModelAction } from '../models/model-chain.ts';
import { SUBSCRIPTIONS } from '../models/model-chain.ts';
import { createModelHypervisor } from '../models/model-hypervisor.ts';
import { createModelQuarantine } from '../models/model-quarantine.ts';
import { createModelRecords } from '../models/model-records.ts';
import { createRandom } from '../random.ts';
import type { Scenario } from '../scenario/schema.ts';
import { createVirtualClock } from '../time/virtual-clock.ts';
import { createWorldChain } from './chain.ts';
import { createModelDisk } from './disk.ts';
import { EFFECTS, POOLS, SEEDS } from './host-parts.ts';
import { createHostLocks } from './locks.ts';
import { createWorldLog, type WorldLine } from './log.ts';
import { newMachine, type WorldMachine, walletOf } from './machines.ts';
import { createUuids, macOf } from './names.ts';
import { createProcess, type Effect, type Process } from './process.ts';
import { CHAIN_ID, chainSettingsOf, policyOf, START_UNIX_MS } from './settings.ts';

export const JOURNAL = '/state/journal.ndjson';

const refused = (what: string): HypervisorError =>
  new HypervisorError(`libvirt did not ${what}: internal error`, { code: 'libvirt-refused', retryable: true });

/** What can be wrong with a host for a while. */
export interface Weather {
  recordsAway: boolean;
  libvirtRefuses: boolean;
  eventsLost: boolean;
}

export interface Hearing {
  readonly effect: (effect: Effect) => void;
  readonly line: (line: WorldLine) => void;
  /** Something happened that must not, and that nobody could see from outside later. */
  readonly wrong: (invariant: string, what: string) => void;
  /** Everything is told, not only what is wrong. */
  readonly wordy: boolean;
}

const founders = ({ host }: Scenario): readonly ModelAction[] =>
  Array.from({ length: host.machines }, (_, index) => {
    const paid = host.paidForSeconds[index % host.paidForSeconds.length] ?? 0;
    return [
      { kind: 'buy', owner: walletOf(index + 1), expiresAt: BigInt(Math.floor(START_UNIX_MS / 1000) + paid) } as const,
      { kind: 'transfer', token: BigInt(index + 1), to: walletOf(index + 1) } as const,
    ];
  }).flat();

/** A host, a chain and its nodes, on a clock that skips: everything that outlives the processes that work on it. */
export const createWorld = (scenario: Scenario, hearing: Hearing) => {
  const { host } = scenario;
  const random = createRandom(scenario.seed);
  const clock = createVirtualClock(START_UNIX_MS);
  const chance = { took: random.fork(), events: random.fork(), tears: random.fork(), nodes: random.fork() };
  const weather: Weather = { recordsAway: false, libvirtRefuses: false, eventsLost: false };
  const chain = createWorldChain(host, clock, founders(scenario));
  const hypervisor = createModelHypervisor({
    clock,
    losesEvent: () => weather.eventsLost && chance.events.chance(0.7),
  });
  if (host.answerMs > 0) {
    for (const node of chain.nodes) node.faults.latencyMs = () => chance.nodes.int(1, host.answerMs);
  }
  const files = new Map<string, string>();
  const builder = createModelBuilder(files);
  const quarantine = createModelQuarantine(files, () => Promise.resolve());
  const locks = createHostLocks(clock);
  const disk = createModelDisk(locks);
  const stored = createModelRecords();
  const routes = new Set<string>();
  const machines = new Map<string, WorldMachine>();
  const minted = new Map<string, bigint>();
  const policy = policyOf(scenario);
  const settings = chainSettingsOf(host);
  let boots = 1;
  const newUuid = createUuids();
  let lastToken = BigInt(host.machines);

  const records = new Proxy(stored, {
    get: (target, key) => {
      const call: unknown = Reflect.get(target, key);
      if (typeof call !== 'function') return call;
      return async (...args: unknown[]) => {
        if (weather.recordsAway) throw new RecordsError('vms.json: input/output error', { code: 'x', retryable: true });
        return Reflect.apply(call, target, args);
      };
    },
  });
  const moody = new Proxy(hypervisor, {
    get: (target, key) => {
      const call: unknown = Reflect.get(target, key);
      if (!weather.libvirtRefuses || typeof call !== 'function') return call;
      const changes = (EFFECTS.hypervisor as readonly string[]).includes(String(key));
      return changes ? () => Promise.reject(refused(String(key))) : call;
    },
  });

  const tookMs = (what: string): number => {
    if (what === 'hypervisor.look') return host.libvirtMs > 1000 ? chance.took.int(1, host.libvirtMs >> 2) : 0;
    if (what.startsWith('hypervisor.')) return chance.took.int(1, host.libvirtMs);
    if (what.startsWith('builder.make')) return chance.took.int(50, 4000);
    return what.startsWith('quarantine.move') ? chance.took.int(1, 50) : 0;
  };

  const spawn = (name: string): Process => createProcess(name, { clock, tookMs, onEffect: hearing.effect });

  const mint = async (machineId: string, owner: string): Promise<bigint> => {
    const tokenId = minted.get(machineId) ?? lastToken + 1n;
    if (!minted.has(machineId)) {
      lastToken = tokenId;
      minted.set(machineId, tokenId);
      chain.send({ kind: 'transfer', token: tokenId, to: owner });
    }
    while (!chain.head().tokens.has(tokenId)) await clock.sleep(host.blockMs);
    return tokenId;
  };

  /** What a process of this host works with. */
  const depsOf = (process: Process, log: Log, journal: Journal, gateWaitsFor: () => readonly string[]) => {
    const reader = createChain({
      settings: [settings],
      clock: process.clock,
      log,
      connect: chain.connect,
      random: () => chance.nodes.next(),
    });
    const deps: Deps = {
      hypervisor: process.wrap('hypervisor', moody, EFFECTS.hypervisor),
      agent: process.wrap('agent', hypervisor.agent, EFFECTS.agent),
      builder: process.wrap('builder', builder, EFFECTS.builder),
      quarantine: process.wrap('quarantine', quarantine, EFFECTS.quarantine),
      records: process.wrap('records', records, EFFECTS.records),
      chain: reader,
      journal,
      locks: locks.of(process),
      hostRoutes: process.wrap(
        'hostRoutes',
        {
          add: async (ipv6: string) => void routes.add(ipv6),
          remove: async (ipv6: string) => void routes.delete(ipv6),
        },
        EFFECTS.hostRoutes,
      ),
      seeds: SEEDS,
      pools: POOLS,
      hostAddresses: () => ['10.0.0.1'],
      clock: process.clock,
      log,
      policy,
      code: 'simulated',
      bootId: `boot-${boots}`,
      ownDirectories: ['/vms'],
      cloudInitDirectory: (name) => placesOf(name).seedDirectory,
      gateWaitsFor,
    };
    return { deps, reader };
  };

  const minterOf = (process: Process): CreateDeps['minter'] =>
    process.wrap(
      'minter',
      {
        mint: ({ machineId, owner }: { readonly machineId: string; readonly owner: string }) => mint(machineId, owner),
        seal: async () => '0x00',
      },
      EFFECTS.minter,
    );

  const logOf = (by: string): Log => createWorldLog(by, hearing.line, hearing.wordy);

  /** A machine as an engine left it before the history begins: defined, recorded, running. */
  const found = async (index: number): Promise<void> => {
    const number = index + 1;
    const owner: Address = walletOf(number);
    const uuid = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
    const name = `blockhost-${String(number).padStart(3, '0')}`;
    const { disk: path, seed } = placesOf(name);
    const expiresAtUnix = chain.head().subscriptions.get(BigInt(number))?.expiresAt ?? 0n;
    const ipAddress = `10.0.${2 + Math.floor(number / 250)}.${(number % 250) + 2}`;
    files.set(path, uuid);
    files.set(seed, uuid);
    const subscription = { chainId: CHAIN_ID, contract: SUBSCRIPTIONS, subscriptionId: BigInt(number) } as const;
    const guest = hypervisor.create({
      uuid,
      name,
      disks: [path],
      seeds: [seed],
      interfaces: [{ mac: macOf(number), linkUp: true }],
      metadata: { schema: 1, uuid, subscription },
    });
    guest.gecos.set('customer', `wallet=${owner},nft=${number}`);
    await stored.restore({
      name,
      ipAddress,
      ipv6Address: '',
      owner,
      username: 'customer',
      expiresAtUnix,
      createdAtUnix: BigInt(Math.floor(START_UNIX_MS / 1000)),
      status: 'active',
      nftTokenId: BigInt(number),
      nftMinted: true,
    });
    await hypervisor.start(uuid);
    machines.set(uuid, newMachine({ number, uuid, name, id: BigInt(number), disk: path, madeMs: 0 }));
  };

  return {
    scenario,
    clock,
    random,
    chance,
    weather,
    chain,
    hypervisor,
    files,
    quarantine,
    locks,
    disk,
    records: stored,
    routes,
    machines,
    policy,
    settings,
    spawn,
    depsOf,
    minterOf,
    logOf,
    blame: hearing.wrong,
    newUuid,
    lastMinted: () => minted,
    bootId: () => `boot-${boots}`,
    rebooted: () => {
      boots += 1;
    },
    /** Puts the machines of the beginning in their places. */
    furnish: async (): Promise<void> => {
      for (let index = 0; index < host.machines; index += 1) await found(index);
    },
  };
};
export type World = ReturnType<typeof createWorld>;
