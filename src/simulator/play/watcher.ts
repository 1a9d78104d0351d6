import type { HarmKind } from '../../domain/journal/memory.ts';
import type { Invariant, SeenDomain, SeenMachine, Sight, Violation } from '../invariants/sight.ts';
import type { WorldMachine } from '../world/machines.ts';
import type { Effect } from '../world/process.ts';
import { START_UNIX_MS } from '../world/settings.ts';
import type { World } from '../world/world.ts';
import type { Troubles } from './troubles.ts';

/** After something befell a machine, it may take so long until it is as it should be (backoff, crash pauses, restart). */
const DISTURBED_MS = 20 * 60_000;

export interface WatcherDeps {
  readonly world: World;
  readonly troubles: Troubles;
  readonly invariants: readonly Invariant[];
  readonly openBreakers: () => ReadonlySet<HarmKind>;
}

/** Looks at the world from outside, as often as it is told to, and collects what must not be. */
export const createWatcher = ({ world, troubles, invariants, openBreakers }: WatcherDeps) => {
  const watches = invariants.map(({ watch }) => watch());
  const violations: (Violation & { readonly atMs: number })[] = [];
  let effects: Effect[] = [];

  const seenDomains = (): readonly SeenDomain[] =>
    world.hypervisor.guests().map((guest): SeenDomain => {
      const { disks, interfaces, metadata } = world.hypervisor.factsOf(guest);
      return {
        uuid: guest.uuid,
        name: guest.name,
        run: guest.run,
        reason: guest.reason,
        disks,
        subscription: metadata?.subscription?.subscriptionId,
        linkUp: interfaces.every(({ linkUp }) => linkUp),
        agentAnswers: guest.agentConnected && guest.behaviour.agent === 'answers',
        lets: /wallet=(0x[0-9a-f]{40})/i.exec(guest.gecos.get('customer') ?? '')?.[1]?.toLowerCase(),
      };
    });

  const tokenOf = (machine: WorldMachine): bigint | undefined =>
    world.lastMinted().get(machine.uuid) ??
    (machine.number <= world.scenario.host.machines && machine.madeMs === 0 ? machine.id : undefined);

  const look = async (atRest: boolean): Promise<Sight> => {
    const nowMs = world.clock.monotonicMs();
    const head = world.chain.head();
    const domains = seenDomains();
    const byUuid = new Map(domains.map((domain) => [domain.uuid, domain]));
    const records = await world.records.list();
    const byName = new Map(records.map((record) => [record.name, record]));
    const { ipv4 } = await world.records.allocated();
    const owned = new Map<string, number>();
    for (const uuid of world.files.values()) owned.set(uuid, (owned.get(uuid) ?? 0) + 1);
    const machines = [...world.machines.values()].map((machine): SeenMachine => {
      const token = tokenOf(machine);
      const { uuid, name } = machine;
      return {
        uuid,
        name,
        isNew: machine.unfinished,
        expiresAtUnix: head.subscriptions.get(machine.id)?.expiresAt,
        grantUntilUnix: machine.grantUntilUnix,
        owner: token === undefined ? undefined : head.tokens.get(token)?.toLowerCase(),
        domain: byUuid.get(uuid),
        record: byName.get(name),
        files: owned.get(uuid) ?? 0,
        condemned: machine.condemned,
        excused:
          machine.stoppedByHand ||
          machine.stoppedByOwner ||
          machine.pausedByOthers ||
          machine.heldUntilMs > nowMs ||
          machine.unfinished,
        protected: machine.protectedUntilMs > nowMs,
        disturbed: nowMs - machine.disturbedMs < DISTURBED_MS,
      };
    });
    const seen = effects;
    effects = [];
    return {
      nowMs,
      trueUnix: (START_UNIX_MS + nowMs) / 1000,
      machines,
      domains,
      files: world.files,
      records,
      allocated: ipv4,
      dossiers: new Set(world.quarantine.dossiers.keys()),
      effects: seen,
      openBreakers: openBreakers(),
      ...troubles.seen(),
      policy: world.policy,
      host: world.scenario.host,
      atRest,
    };
  };

  return {
    violations,
    heard: (effect: Effect): void => void effects.push(effect),
    report: (violation: Violation): void => void violations.push({ ...violation, atMs: world.clock.monotonicMs() }),
    /** One look; true where nothing new was wrong. */
    look: async (atRest = false): Promise<boolean> => {
      const sight = await look(atRest);
      const before = violations.length;
      for (const watch of watches) {
        for (const violation of watch(sight)) violations.push({ ...violation, atMs: sight.nowMs });
      }
      return violations.length === before;
    },
    sight: look,
  };
};
