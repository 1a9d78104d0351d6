import { allowance } from '../../domain/breaker.ts';
import type { HarmKind } from '../../domain/journal/memory.ts';
import type { Invariant, Sight } from '../invariants/sight.ts';
import type { Act, Scenario } from '../scenario/schema.ts';
import type { Campaign, Case, Gauge } from './campaign.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const EXPIRES_AT_MS = 10 * MINUTE;
const GRACE_MS = 2 * HOUR;

const STOPS: ReadonlySet<string> = new Set(['hypervisor.requestShutdown', 'hypervisor.powerOff', 'hypervisor.save']);

/** An operator looks, and acknowledges: once for what is left to suspend, and every hour for what is left to destroy. */
const acknowledged: readonly (readonly [atMs: number, kind: HarmKind])[] = [
  [EXPIRES_AT_MS + 30 * MINUTE, 'suspend'],
  ...Array.from({ length: 5 }, (_, hour) => [EXPIRES_AT_MS + GRACE_MS + (hour + 1.5) * HOUR, 'destroy'] as const),
];

const atOnce = (machines: number): Scenario => ({
  seed: 1,
  host: {
    machines,
    paidForSeconds: [EXPIRES_AT_MS / 1000],
    nodes: 2,
    blockMs: MINUTE,
    safeBlocks: 2,
    finalizedBlocks: 6,
    pollEveryMs: 5 * MINUTE,
    sweepEveryMs: HOUR,
    tickMs: MINUTE,
    graceMs: GRACE_MS,
    quarantineMs: 48 * HOUR,
    suspendMode: 'shutdown',
    onOwnerStop: 'stay',
    libvirtMs: 50,
    answerMs: 0,
    lastsMs: EXPIRES_AT_MS + GRACE_MS + 7 * HOUR,
  },
  acts: acknowledged.map(([at, kind]): Act => ({ at, do: 'ack', what: `breaker:${kind}` })),
});

/** Counts what the breaker lets through from one acknowledgement to the next, and sees that nothing is lost on the way. */
const gauge = (): Gauge => {
  const done = { suspend: new Set<string>(), destroy: new Set<string>() };
  const lately = { suspend: { since: 0, count: 0 }, destroy: { since: 0, count: 0 } };
  const most = { suspend: 0, destroy: 0 };
  let allowed = { suspend: 0, destroy: 0 };

  /**
   * Decisions are what the breaker counts: one that it held back half-way is finished after the next word, uncounted. So all
   * that was ever done is held against all that could be decided: the allowance, once for each acknowledgement and one.
   */
  const count = (kind: HarmKind, uuid: string, atMs: number): string | undefined => {
    if (done[kind].has(uuid)) return undefined;
    done[kind].add(uuid);
    const words = acknowledged.filter(([at, what]) => what === kind && at <= atMs);
    const since = Math.max(0, ...words.map(([at]) => at));
    lately[kind] = lately[kind].since === since ? { since, count: lately[kind].count + 1 } : { since, count: 1 };
    most[kind] = Math.max(most[kind], lately[kind].count);
    const may = allowed[kind] * (1 + words.length);
    return done[kind].size > may ? `${done[kind].size} machines had a ${kind}, ${may} are allowed by now` : undefined;
  };

  const look = ({ effects, policy, host, machines, dossiers }: Sight) => {
    const limits = policy.breaker;
    allowed = {
      suspend: allowance(limits.suspend, host.machines),
      destroy: allowance(limits.destroy, host.machines),
    };
    const tooMany = effects.flatMap(({ what, args, startMs, failed }) => {
      const kind = STOPS.has(what) ? 'suspend' : what === 'quarantine.moveIn' ? 'destroy' : undefined;
      if (kind === undefined || failed) return [];
      const wrong = count(kind, String(args[0]), startMs);
      return wrong === undefined ? [] : [{ invariant: 'breaker-holds', what: wrong }];
    });
    const lost = machines.filter(({ uuid, domain, files }) => files === 0 || !(domain || dossiers.has(uuid)));
    return [...tooMany, ...lost.map(({ name }) => ({ invariant: 'nothing-is-lost', what: `${name} is nowhere` }))];
  };

  const invariant: Invariant = { name: 'at-once', rules: 'L10, D21, D28', watch: () => look };
  return {
    invariants: [invariant],
    figure: ({ tookMs, heapMiB }) =>
      `${done.suspend.size} suspended, at most ${most.suspend} of ${allowed.suspend} allowed between two acknowledgements; ` +
      `${done.destroy.size} destroyed, at most ${most.destroy} of ${allowed.destroy}; ` +
      `${Math.round(tookMs / 1000)} s, ${heapMiB} MiB of heap`,
  };
};

export const expireTogether = (machines: number): Case => ({
  name: `${machines} machines expire in one block`,
  scenario: () => atOnce(machines),
  gauge,
});

/** A whole host runs out in one block: the breaker lets through what it should, nothing is lost, and it ends (L10, D28). */
export const expireAtOnce: Campaign = {
  name: 'expire-at-once',
  about: '10000 machines run out in one block: the breaker holds, nothing is lost, and it comes to an end',
  cases: async () => [100, 1000, 10_000].map(expireTogether),
};
