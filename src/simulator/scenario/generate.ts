import { createRandom, type Random } from '../random.ts';
import {
  type Act,
  BABBLES,
  GUEST_MANNERS,
  HOSTILE_EXPIRIES,
  type HostScenario,
  NODE_FAULTS,
  type Scenario,
} from './schema.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Two kinds of hosts: one whose life is played second by second, and one that lives for days. */
const briskHost = (random: Random): HostScenario => ({
  machines: random.int(2, 8),
  paidForSeconds: Array.from({ length: random.int(2, 4) }, () => random.int(60, 2400)),
  nodes: random.weighted([
    [1, 1],
    [3, 2],
    [2, 3],
  ]),
  blockMs: random.pick([6000, 12_000]),
  safeBlocks: random.int(1, 4),
  finalizedBlocks: random.int(5, 12),
  pollEveryMs: random.pick([8000, 20_000]),
  sweepEveryMs: 5 * MINUTE,
  tickMs: 1000,
  graceMs: random.int(4, 20) * MINUTE,
  quarantineMs: random.pick([0, 5 * MINUTE, 15 * MINUTE]),
  suspendMode: random.chance(0.3) ? 'save' : 'shutdown',
  onOwnerStop: random.chance(0.2) ? 'start' : 'stay',
  libvirtMs: random.weighted([
    [3, 300],
    [2, 9000],
  ]),
  answerMs: random.weighted([
    [3, 0],
    [1, 1200],
  ]),
  lastsMs: random.int(20, 60) * MINUTE,
});

const patientHost = (random: Random): HostScenario => ({
  ...briskHost(random),
  machines: random.int(10, 30),
  paidForSeconds: Array.from({ length: random.int(3, 7) }, () => random.int(1800, 40 * 3600)),
  blockMs: 60 * SECOND,
  safeBlocks: random.int(1, 3),
  finalizedBlocks: random.int(4, 8),
  pollEveryMs: random.pick([15 * MINUTE, 40 * MINUTE]),
  sweepEveryMs: random.pick([2 * HOUR, 4 * HOUR]),
  tickMs: 30 * SECOND,
  graceMs: random.int(4, 12) * HOUR,
  quarantineMs: random.pick([0, 3 * HOUR, 12 * HOUR]),
  lastsMs: random.int(16, 36) * HOUR,
});

type Maker = (random: Random, host: HostScenario) => Omit<Act, 'at'>;

const machine = (random: Random): number => random.int(0, 199);

/** Short against what the host waits for, or long. */
const span = (random: Random, { pollEveryMs, lastsMs }: HostScenario): number =>
  random.chance(0.7) ? random.int(1, 20) * pollEveryMs : random.int(1, Math.max(2, Math.floor(lastsMs / 4)));

const payment = (random: Random, { lastsMs }: HostScenario): number =>
  random.int(20, Math.max(30, Math.floor(lastsMs / 1500)));

const MAKERS: readonly (readonly [number, Maker])[] = [
  [16, (r, h) => ({ do: 'extend', machine: machine(r), seconds: payment(r, h) })],
  [4, (r, h) => ({ do: 'buy', seconds: payment(r, h) })],
  [5, (r) => ({ do: 'cancel', machine: machine(r) })],
  [6, (r) => ({ do: 'transfer', machine: machine(r), to: r.int(0, 9) })],
  [3, (r) => ({ do: 'power-off-inside', machine: machine(r) })],
  [3, (r) => ({ do: 'reboot', machine: machine(r) })],
  [8, (r) => ({ do: 'manners', machine: machine(r), are: r.pick(GUEST_MANNERS) })],
  [7, (r, h) => ({ do: 'reorg', depth: r.int(1, Math.max(1, h.finalizedBlocks)), keeps: r.chance(0.4) })],
  [1, (r, h) => ({ do: 'chain-halts', forMs: span(r, h) })],
  [14, (r, h) => ({ do: 'node', node: r.int(0, 4), is: r.pick(NODE_FAULTS), forMs: span(r, h) })],
  [5, (r, h) => ({ do: 'outage', forMs: span(r, h) })],
  [4, (r, h) => ({ do: 'libvirt-away', forMs: span(r, h) })],
  [3, (r, h) => ({ do: 'libvirt-refuses', forMs: span(r, h) })],
  [4, (r, h) => ({ do: 'events-lost', forMs: span(r, h) })],
  [6, (r) => ({ do: 'crash', machine: machine(r) })],
  [2, (r) => ({ do: 'disk-error', machine: machine(r) })],
  [3, (r) => ({ do: 'disk-full', forMs: r.int(5, 900) * SECOND })],
  [3, (r) => ({ do: 'records-away', forMs: r.int(5, 900) * SECOND })],
  [
    3,
    (r, h) => ({
      do: 'clock-jumps',
      byMs: r.pick([-3 * HOUR, 3 * HOUR, -30 * 24 * HOUR, 30 * 24 * HOUR, 90 * SECOND]),
      backAfterMs: span(r, h),
    }),
  ],
  [2, (r) => ({ do: 'power-cut', forMs: r.int(10, 600) * SECOND })],
  [5, (r, h) => ({ do: 'daemon-killed', forMs: r.chance(0.8) ? r.int(0, 60) * SECOND : span(r, h) })],
  [
    9,
    (r) => ({
      do: 'daemon-dies',
      effect: r.int(1, 40),
      when: r.pick(['before', 'after'] as const),
      forMs: r.int(0, 60) * SECOND,
    }),
  ],
  [2, (r, h) => ({ do: 'daemon-stopped', forMs: span(r, h) })],
  [2, () => ({ do: 'hangup' })],
  [3, (r) => ({ do: 'record-stale', machine: machine(r) })],
  [2, (r) => ({ do: 'record-lost-addresses', machine: machine(r) })],
  [2, (r, h) => ({ do: 'paused-by-hand', machine: machine(r), forMs: span(r, h) })],
  [
    9,
    (r) => ({
      do: 'operator',
      machine: machine(r),
      says: r.weighted([
        [4, 'stop'],
        [5, 'start'],
        [2, 'kill'],
        [5, 'resume'],
        [3, 'destroy'],
        [3, 'gc'],
      ] as const),
      days: r.chance(0.3) ? 1 : 0,
      ...(r.chance(0.25) ? { dies: r.int(1, 25) } : {}),
    }),
  ],
  [
    6,
    (r, h) => ({
      do: 'word',
      machine: machine(r),
      says: r.pick(['hold', 'release', 'protect', 'unprotect', 'ack'] as const),
      forMs: r.chance(0.5) ? h.lastsMs >> 1 : Math.max(MINUTE, span(r, h)),
    }),
  ],
  [3, (r) => ({ do: 'ack', what: r.pick(['chain', 'clock', 'breaker:suspend', 'breaker:destroy'] as const) })],
];

/** Customers pay when they notice: many payments come about when a machine of the beginning runs out. */
const paidLate = (act: Act, host: HostScenario, random: Random): Act => {
  if (act.do !== 'extend' || !random.chance(0.6)) return act;
  const paid = host.paidForSeconds[(act.machine % host.machines) % host.paidForSeconds.length] ?? 0;
  return { ...act, at: Math.min(host.lastsMs, Math.max(0, paid * SECOND + random.int(-30_000, 12 * host.blockMs))) };
};

/** Kinds that were thought of later: drawn last, so that what a seed gave before, it still gives. */
const LATER_MAKERS: readonly (readonly [number, Maker])[] = [
  [3, (r, h) => ({ do: 'babble', node: r.int(0, 4), says: r.pick(BABBLES), forMs: span(r, h) })],
  [1, (r) => ({ do: 'hostile-expiry', machine: machine(r), is: r.pick(HOSTILE_EXPIRIES) })],
  [1, (r) => ({ do: 'long-lines', bytes: 200_000, count: r.int(1, 5) })],
];

/** What a machine is soon in the middle of, and only for moments: being made, let down, handed over, brought back. */
const BEGINS: ReadonlySet<Act['do']> = new Set(['buy', 'transfer', 'extend', 'cancel', 'operator']);

/**
 * More acts, each soon after one with which something begins or after an expiry: phases that last for seconds are met by
 * no act that falls anywhere.
 */
const ambushes = (random: Random, host: HostScenario, acts: readonly Act[]): readonly Act[] => {
  const starts = [
    ...acts.filter(({ do: what }) => BEGINS.has(what)).map(({ at }) => at),
    ...host.paidForSeconds.map((seconds) => seconds * SECOND),
  ].filter((at) => at < host.lastsMs);
  return Array.from({ length: random.int(0, 12) }, (): Act => {
    const maker = random.weighted(random.chance(0.3) ? LATER_MAKERS : MAKERS);
    const from = starts[random.int(0, Math.max(0, starts.length - 1))] ?? 0;
    const at = Math.min(host.lastsMs, from + random.int(0, 3 * host.blockMs + 2 * host.pollEveryMs));
    return { at, ...maker(random, host) } as Act;
  });
};

/** The history of a seed: the same for ever, as long as this file stays as it is. */
export const generate = (seed: number): Scenario => {
  const random = createRandom(seed);
  const host = random.chance(0.5) ? briskHost(random) : patientHost(random);
  const count = random.int(4, 40);
  const acts = Array.from({ length: count }, (): Act => {
    // Half of what happens comes in bursts, since what meets in one moment is what breaks.
    const maker = random.weighted(MAKERS);
    return { at: random.int(0, host.lastsMs), ...maker(random, host) } as Act;
  });
  const bursts = Array.from({ length: random.int(0, 5) }, () => random.int(0, host.lastsMs));
  const timed = acts.map((act) =>
    bursts.length > 0 && random.chance(0.5)
      ? { ...act, at: Math.min(host.lastsMs, (bursts[random.int(0, bursts.length - 1)] ?? 0) + random.int(0, 20_000)) }
      : act,
  );
  const paid = timed.map((act) => paidLate(act, host, random));
  return { seed, host, acts: [...paid, ...ambushes(random, host, paid)].sort((a, b) => a.at - b.at) };
};
