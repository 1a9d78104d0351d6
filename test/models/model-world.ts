import type { AddressPools } from '../../src/domain/allocation.ts';
import type { JournalEvent } from '../../src/domain/journal/event.ts';
import { foldJournal } from '../../src/domain/journal/fold.ts';
import { EMPTY_JOURNAL, type JournalState } from '../../src/domain/journal/memory.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/domain/policy.ts';
import type { Deps } from '../../src/operations/deps.ts';
import { createFleet } from '../../src/operations/fleet.ts';
import { createReconcile, type Round } from '../../src/operations/reconcile.ts';
import type { Journal } from '../../src/ports/journal.ts';
import type { Dossier, Quarantine } from '../../src/ports/quarantine.ts';
import { createModelBuilder } from '../../src/simulator/models/model-builder.ts';
import { createModelHypervisor } from '../../src/simulator/models/model-hypervisor.ts';
import { createModelRecords } from '../../src/simulator/models/model-records.ts';
import { createVirtualClock } from '../../src/simulator/time/virtual-clock.ts';
import { SEEDS } from '../../src/simulator/world/host-parts.ts';
import { createModelLedger, refOf } from './model-ledger.ts';
import { createModelLog } from './model-log.ts';

/** The journal in memory: what a restart of the daemon finds again. */
export const createModelJournal = (nowUnixMs: () => number) => {
  let state: JournalState = EMPTY_JOURNAL;
  const events: JournalEvent[] = [];
  const journal: Journal = {
    state: () => state,
    refresh: async () => state,
    append: async (batch) => {
      for (const event of batch) state = foldJournal(state, event, nowUnixMs());
      events.push(...batch);
      return state;
    },
  };
  return { journal, events };
};

/** Quarantine in memory: where each file is. */
const createModelQuarantine = (): Quarantine & { readonly kept: Map<string, Dossier>; readonly moved: Set<string> } => {
  const kept = new Map<string, Dossier>();
  const moved = new Set<string>();
  return {
    kept,
    moved,
    keep: async (dossier) => void (kept.has(dossier.uuid) || kept.set(dossier.uuid, dossier)),
    dossier: async (uuid) => kept.get(uuid),
    needs: async (uuid) => {
      const { files = [], needs = [] } = kept.get(uuid) ?? {};
      return [...files.filter((file) => !moved.has(file)), ...needs];
    },
    keptPaths: async (uuid) => (kept.get(uuid)?.files ?? []).filter((file) => moved.has(file)),
    moveIn: async (uuid) => {
      for (const file of kept.get(uuid)?.files ?? []) moved.add(file);
    },
    moveOut: async (uuid) => {
      for (const file of kept.get(uuid)?.files ?? []) moved.delete(file);
    },
    purge: async (uuid) => void kept.delete(uuid),
    forget: async (uuid) => void kept.delete(uuid),
  };
};

export const OWNER = `0x${'a1'.repeat(20)}` as const;
export const START_UNIX_MS = 1_800_000_000_000;

const POOLS: AddressPools = {
  ipv4: { start: '192.168.122.2', end: '192.168.122.254', gateway: '192.168.122.1' },
  ipv6: { prefix: '2001:db8::/120', start: 2, end: 254 },
};

const uuidOf = (id: number): string => `00000000-0000-4000-8000-${String(id).padStart(12, '0')}`;

/** A host, a chain and the operations between them, on a virtual clock. */
export const createWorld = (policy: Partial<Policy> = {}, endpoints = 2) => {
  const clock = createVirtualClock(START_UNIX_MS);
  const hypervisor = createModelHypervisor({ clock });
  const ledger = createModelLedger(clock, endpoints);
  const records = createModelRecords();
  const builder = createModelBuilder();
  const { journal, events } = createModelJournal(() => clock.nowUnixMs());
  const quarantine = createModelQuarantine();
  const log = createModelLog();
  const gate: string[] = [];
  const routes = new Set<string>();
  const deps: Deps = {
    hypervisor,
    builder,
    agent: hypervisor.agent,
    chain: ledger,
    records,
    journal,
    quarantine,
    locks: {
      withMachine: async (_uuid, _options, body) => body(),
      withCreate: async (_name, _options, body) => body(),
      withAllocation: async (_options, body) => body(),
    },
    seeds: SEEDS,
    pools: POOLS,
    hostAddresses: () => ['192.168.122.1', '2001:db8::2'],
    hostRoutes: {
      add: async (ipv6) => void routes.add(ipv6),
      remove: async (ipv6) => void routes.delete(ipv6),
    },
    clock,
    log,
    policy: { ...DEFAULT_POLICY, ...policy },
    code: 'model',
    bootId: 'boot-a',
    ownDirectories: ['/vms'],
    cloudInitDirectory: (name) => `/vms/cloud-init/${name}`,
    gateWaitsFor: () => gate,
  };
  const build = () => {
    const fleet = createFleet(deps);
    return { fleet, reconcile: createReconcile(deps, fleet) };
  };
  let running = build();

  const look = async (uuid: string): Promise<Round | undefined> => {
    await running.fleet.survey();
    return running.reconcile(uuid, () => undefined);
  };

  return {
    clock,
    hypervisor,
    builder,
    ledger,
    records,
    journal,
    events,
    quarantine,
    log,
    gate,
    /** IPv6 addresses that the host has a route to. */
    routes,
    deps,
    look,
    /** A new process with the same disk. */
    restart: () => {
      running = build();
    },
    /** Lets time pass, looking at the machine every `everyMs`. */
    pass: async (uuid: string, ms: number, everyMs = 1000): Promise<void> => {
      for (let passed = 0; passed < ms; passed += everyMs) {
        await clock.advance(Math.min(everyMs, ms - passed));
        await look(uuid);
      }
    },
    /** A machine that was sold, made and started, as the engine leaves it. */
    sell: async (id: number, paidForSeconds: number, options: { readonly tokenId?: bigint } = {}) => {
      const uuid = uuidOf(id);
      const name = `blockhost-${String(id).padStart(3, '0')}`;
      const ref = refOf(BigInt(id));
      const expiresAtUnix = BigInt(Math.floor(clock.nowUnixMs() / 1000) + paidForSeconds);
      ledger.buy(ref, OWNER, expiresAtUnix);
      if (options.tokenId !== undefined) ledger.giveToken(options.tokenId, OWNER);
      const guest = hypervisor.create({
        uuid,
        name,
        disks: [`/vms/${name}.qcow2`],
        interfaces: [{ mac: `52:54:00:00:00:${String(id).padStart(2, '0')}`, linkUp: true }],
        metadata: { schema: 1, uuid, subscription: ref },
      });
      guest.gecos.set('customer', `wallet=${OWNER},nft=${options.tokenId ?? 0}`);
      const ipAddress = `192.168.122.${id}`;
      const minted = options.tokenId === undefined ? {} : { nftTokenId: options.tokenId, nftMinted: true };
      const seed = {
        name,
        ipAddress,
        ipv6Address: '',
        owner: OWNER,
        username: 'customer',
        expiresAtUnix,
        createdAtUnix: 0n,
        status: 'active',
        ...minted,
      } as const;
      await records.restore(seed);
      await hypervisor.start(uuid);
      await clock.advance(5000);
      await look(uuid);
      return { uuid, name, ref, guest, expiresAtUnix };
    },
  };
};
export type World = ReturnType<typeof createWorld>;
