import { createSince, type Invariant, isOn, isPaid, type Sight } from './sight.ts';

const STOPS: ReadonlySet<string> = new Set(['hypervisor.requestShutdown', 'hypervisor.powerOff', 'hypervisor.save']);
/** So many decisions may be counted by the breaker, whose act a kill has prevented: one for each step at once (L2). */
const CUT_SHORT = 4;

/**
 * Whether the breaker stops suspensions, and rightly: so many machines have been seen to be stopped within its window. One
 * that opened for less excuses nobody (L10).
 */
const createBreakerWatch = () => {
  let stopped: readonly { readonly uuid: string; readonly atMs: number }[] = [];
  let rightly = false;
  return ({ effects, policy, machines, openBreakers, nowMs, host }: Sight): boolean => {
    const { count, share, windowMs } = policy.breaker.suspend;
    const more = effects.flatMap(({ what, by, args, startMs }) =>
      STOPS.has(what) && (by === 'daemon' || by === 'operator gc') ? [{ uuid: String(args[0]), atMs: startMs }] : [],
    );
    // Looks lie apart, and a step takes its time between decision and act.
    const sinceMs = nowMs - windowMs - 2 * host.pollEveryMs - host.libvirtMs - 120_000;
    stopped = [...stopped, ...more].filter(({ atMs }) => atMs > sinceMs);
    if (!openBreakers.has('suspend')) rightly = false;
    const there = machines.filter(({ domain }) => domain !== undefined).length;
    const enough = Math.max(1, Math.max(count, Math.ceil(share * there)) - CUT_SHORT);
    rightly ||= openBreakers.has('suspend') && new Set(stopped.map(({ uuid }) => uuid)).size >= enough;
    return rightly;
  };
};

/**
 * A machine whose time is over on the canonical chain does not run on once that can be known, while daemon, nodes and
 * host are well and no word protects it (C5, C9, C14, L12): finality, the guest's patience and the escalation are waited
 * for, and a breaker that so many suspensions have rightly tripped (L10), and nothing else.
 */
export const unpaidEnds: Invariant = {
  name: 'unpaid-ends',
  rules: 'C5, C9, C14, L1, L2, L10, L12',
  watch: () => {
    const running = createSince();
    const told = new Set<string>();
    const breaks = createBreakerWatch();
    return (sight) => {
      const { nowMs, trueUnix, machines, calmSinceMs, policy, host, liar } = sight;
      const isBroken = breaks(sight);
      const limitMs =
        policy.expiryMarginMs +
        (host.safeBlocks + 3) * host.blockMs +
        3 * host.pollEveryMs +
        policy.shutdownPatienceMs +
        2 * policy.powerOffPatienceMs +
        2 * policy.backoffMaxMs +
        60_000;
      return machines.flatMap((machine) => {
        const { uuid, name, domain } = machine;
        const over = machine.expiresAtUnix !== undefined && !isPaid(machine, trueUnix);
        const counts =
          over &&
          isOn(domain) &&
          calmSinceMs !== undefined &&
          !isBroken &&
          !liar &&
          !machine.disturbed &&
          !machine.protected;
        const ms = running(uuid, counts && !machine.excused && !machine.condemned, nowMs);
        if (ms === undefined) told.delete(uuid);
        if ((ms ?? 0) <= limitMs || told.has(uuid)) return [];
        told.add(uuid);
        const what = `${name} runs ${Math.round((ms ?? 0) / 60_000)} min after its time was over`;
        return [{ invariant: 'unpaid-ends', machine: name, what }];
      });
    };
  },
};
