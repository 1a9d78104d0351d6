import { type GuestBehaviour, usualGuest } from '../models/model-guest.ts';
import type { Act } from '../scenario/schema.ts';
import { type WorldMachine, walletOf } from '../world/machines.ts';
import { word } from '../world/people.ts';
import { babble, hostileExpiry, longLines } from './hostile-acts.ts';
import { heal, nodeFault } from './node-acts.ts';
import { buy, operator, spoken } from './people-acts.ts';
import {
  after,
  disturb,
  type Executors,
  forAWhile,
  machineAt,
  type Of,
  passing,
  type Stage,
  unixNow,
} from './stage.ts';

const MANNERS: Readonly<Record<Of<'manners'>['are'], Partial<GuestBehaviour>>> = {
  usual: {},
  deaf: { acpi: 'ignores', agent: 'mute' },
  mute: { agent: 'mute' },
  'no-agent': { agent: 'none' },
  stuck: { acpi: 'ignores', agent: 'mute', stuck: true },
  'slow-save': { saves: 'slowly', saveMs: 30_000 },
  'failing-save': { saves: 'in vain' },
};

const reorg: Executors['reorg'] = (stage, { depth, keeps }) => {
  stage.world.chain.reorg(depth, keeps);
  passing(stage, 4 * stage.world.scenario.host.pollEveryMs);
};

const clockJumps: Executors['clock-jumps'] = (stage, { byMs, backAfterMs }) => {
  const { world, troubles } = stage;
  world.clock.jump(byMs);
  // Words end by the host's own clock: when that is, nobody can tell any more.
  for (const machine of world.machines.values()) machine.protectedUntilMs = 0;
  // Ahead of every head, the clock makes all of them too old, and the chain unknown (C7). Any other jump freezes harm, and
  // excuses nobody from kindness (C9).
  const end = troubles.begin(byMs > world.settings.maxHeadAgeMs / 2 ? 'clock' : 'passing');
  after(stage, backAfterMs, () => {
    world.clock.jump(-byMs);
    // Vouched for by the head, or by nobody until an operator comes: both take their time.
    after(stage, 120_000, () => {
      void word(world, { word: 'ack', what: 'clock' }).outcome;
      after(stage, 60_000, end);
    });
  });
};

const onMachine =
  <Name extends Act['do']>(then: (stage: Stage, machine: WorldMachine, act: Of<Name>) => void) =>
  (stage: Stage, act: Of<Name>): void => {
    const machine = 'machine' in act ? machineAt(stage, act.machine) : undefined;
    if (machine) then(stage, machine, act);
  };

const runs = ({ world }: Stage, { uuid }: WorldMachine): boolean => world.hypervisor.guest(uuid)?.run === 'running';

const EXECUTORS: Executors = {
  buy,
  extend: onMachine<'extend'>((stage, { id }, { seconds }) => {
    const there = stage.world.chain.head().subscriptions.get(id);
    if (!there) return;
    const [later = 0n] = [there.expiresAt, unixNow(stage)].sort((a, b) => (a < b ? 1 : -1));
    stage.world.chain.send({ kind: 'extend', id, expiresAt: later + BigInt(Math.max(1, seconds)) });
  }),
  cancel: onMachine<'cancel'>(({ world }, { id }) => world.chain.send({ kind: 'cancel', id })),
  transfer: onMachine<'transfer'>(({ world }, machine, { to }) => {
    const token = world.lastMinted().get(machine.uuid) ?? (machine.madeMs === 0 ? machine.id : undefined);
    if (token !== undefined) world.chain.send({ kind: 'transfer', token, to: walletOf(200 + to) });
  }),
  'power-off-inside': onMachine<'power-off-inside'>((stage, machine) => {
    if (!runs(stage, machine)) return;
    machine.stoppedByOwner = stage.world.policy.onOwnerStop === 'stay';
    disturb(stage, machine);
    stage.world.hypervisor.powerOffFromInside(machine.uuid);
  }),
  reboot: onMachine<'reboot'>((stage, machine) => {
    if (!runs(stage, machine)) return;
    disturb(stage, machine);
    stage.world.hypervisor.rebootByHost(machine.uuid, 1500).catch(() => undefined);
  }),
  manners: onMachine<'manners'>((stage, { uuid }, { are }) => {
    const guest = stage.world.hypervisor.guest(uuid);
    if (guest) guest.behaviour = { ...usualGuest, ...MANNERS[are] };
  }),
  reorg,
  'chain-halts': forAWhile('host', ({ world }, on) => world.chain.halt(on)),
  node: nodeFault,
  babble,
  'hostile-expiry': hostileExpiry,
  'long-lines': longLines,
  outage: forAWhile('node', (stage, on) => {
    for (const node of stage.world.chain.nodes) {
      if (on) node.faults.fail = 'refused';
      else heal(stage, node);
    }
  }),
  'libvirt-away': forAWhile('host', ({ world }, on) => (on ? world.hypervisor.away() : world.hypervisor.back())),
  'libvirt-refuses': forAWhile('host', ({ world }, on) => {
    world.weather.libvirtRefuses = on;
  }),
  'events-lost': forAWhile('passing', ({ world }, on) => {
    world.weather.eventsLost = on;
  }),
  crash: onMachine<'crash'>((stage, machine) => {
    if (!runs(stage, machine)) return;
    disturb(stage, machine);
    stage.world.hypervisor.crash(machine.uuid);
  }),
  'disk-error': onMachine<'disk-error'>((stage, machine) => {
    if (!runs(stage, machine)) return;
    machine.pausedByOthers = true;
    stage.world.hypervisor.pauseOnIoError(machine.uuid);
  }),
  'disk-full': forAWhile('host', ({ world }, on) => world.disk.full(on)),
  'records-away': forAWhile('host', ({ world }, on) => {
    world.weather.recordsAway = on;
  }),
  'clock-jumps': clockJumps,
  'power-cut': (stage, { forMs }) => stage.powerCut(forMs),
  'daemon-killed': (stage, { forMs }) => stage.daemonDown(forMs, 'killed'),
  'daemon-dies': (stage, { effect, when, forMs }) => stage.dieAt(effect, when, forMs),
  'daemon-stopped': (stage, { forMs }) => stage.daemonDown(forMs, 'stopped'),
  hangup: (stage) => stage.daemon()?.hangUp(),
  'record-stale': onMachine<'record-stale'>(({ world }, { name }) => {
    void world.records.patch(name, { status: 'active', suspendedAtUnix: null, expiresAtUnix: 1n });
  }),
  'record-lost-addresses': onMachine<'record-lost-addresses'>(({ world }, { name }) => {
    void world.records.read(name).then((record) => record && world.records.releaseAddresses(record.ipAddress, ''));
  }),
  'paused-by-hand': onMachine<'paused-by-hand'>((stage, machine, { forMs }) => {
    if (!runs(stage, machine)) return;
    machine.pausedByOthers = true;
    stage.world.hypervisor.suspendByOperator(machine.uuid);
    after(stage, forMs, () => {
      machine.pausedByOthers = false;
      disturb(stage, machine);
      stage.world.hypervisor.resumePaused(machine.uuid).catch(() => undefined);
    });
  }),
  operator,
  word: spoken,
  ack: ({ world }, { what }) => void word(world, { word: 'ack', what }).outcome,
};

/** Lets one act happen. What it begins may go on long after. */
export const perform = (stage: Stage, act: Act): void =>
  (EXECUTORS[act.do] as (stage: Stage, act: Act) => void)(stage, act);
