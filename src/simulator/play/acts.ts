import type { GuestBehaviour } from '../models/model-guest.ts';
import { usualGuest } from '../models/model-guest.ts';
import type { ModelNode } from '../models/model-node.ts';
import type { Act } from '../scenario/schema.ts';
import type { DaemonLife } from '../world/daemon.ts';
import { type WorldMachine, walletOf } from '../world/machines.ts';
import { command, engineCreates, word } from '../world/people.ts';
import type { World } from '../world/world.ts';
import type { Troubles } from './troubles.ts';

/** What acts work on. */
export interface Stage {
  readonly world: World;
  readonly troubles: Troubles;
  daemon(): DaemonLife | undefined;
  /** The daemon is gone and comes back after so long; `how` it went. */
  daemonDown(forMs: number, how: 'killed' | 'stopped'): void;
  dieAt(effect: number, when: 'before' | 'after', forMs: number): void;
  powerCut(forMs: number): void;
  tell(what: string): void;
}

type Of<Name extends Act['do']> = Extract<Act, { do: Name }>;
type Executors = { readonly [Name in Act['do']]: (stage: Stage, act: Of<Name>) => void };

/** People speak of machines by their names: of several, of which all but the last were never finished, the last is meant. */
const machineAt = ({ world }: Stage, number: number): WorldMachine | undefined => {
  const machines = [...world.machines.values()];
  const drawn = machines[number % Math.max(1, machines.length)];
  return machines.filter(({ name }) => name === drawn?.name).at(-1);
};

const after = ({ world }: Stage, ms: number, then: () => void): void => void world.clock.sleep(ms).then(then);

const unixNow = ({ world }: Stage): bigint => world.chain.head().timestamp;

const MANNERS: Readonly<Record<Of<'manners'>['are'], Partial<GuestBehaviour>>> = {
  usual: {},
  deaf: { acpi: 'ignores', agent: 'mute' },
  mute: { agent: 'mute' },
  'no-agent': { agent: 'none' },
  stuck: { acpi: 'ignores', agent: 'mute', stuck: true },
  'slow-save': { saves: 'slowly', saveMs: 30_000 },
  'failing-save': { saves: 'in vain' },
};

const DAY_S = 86_400n;

const spoil = ({ world }: Stage, node: ModelNode, is: Of<'node'>['is']): void => {
  const { faults } = node;
  switch (is) {
    case 'refused':
    case 'hang':
    case 'http-500':
    case 'http-429':
      faults.fail = is;
      return;
    case 'lagging':
      faults.lag = 3;
      return;
    case 'frozen':
      faults.frozen = [...world.chain.canonical()];
      return;
    case 'says-over':
      faults.distorts = (there, block) => ({ ...there, expiresAt: block.timestamp - 40n * DAY_S, cancelled: true });
      return;
    case 'says-paid':
      faults.distorts = (there, block) => ({ ...there, expiresAt: block.timestamp + 40n * DAY_S });
      return;
    case 'misnames':
      faults.misnames = () => walletOf(666);
      return;
    case 'no-logs':
      faults.forgetsLogs = true;
      return;
    case 'slow':
      faults.latencyMs = () => world.chance.nodes.int(1, 2500);
      return;
    case 'wrong-chain':
      faults.chainId = 1;
  }
};

const heal = ({ world }: Stage, { faults }: ModelNode): void => {
  for (const key of Object.keys(faults)) Reflect.deleteProperty(faults, key);
  const { answerMs } = world.scenario.host;
  if (answerMs > 0) faults.latencyMs = () => world.chance.nodes.int(1, answerMs);
};

/** At most one node lies at a time, and never the only one: against that nothing helps. */
const mayLie = ({ world }: Stage): boolean =>
  world.chain.nodes.length > 1 &&
  world.chain.nodes.every(({ faults }) => !LIE_KEYS.some((key) => faults[key]) && faults.fail === undefined);

const LIE_KEYS = ['distorts', 'misnames', 'frozen', 'forgetsLogs'] as const;
const LIES: ReadonlySet<string> = new Set(['says-over', 'says-paid', 'misnames', 'frozen', 'no-logs']);

const nodeFault: Executors['node'] = (stage, { node: number, is, forMs }) => {
  const node = stage.world.chain.nodes[number % stage.world.chain.nodes.length];
  if (!node || (LIES.has(is) && !mayLie(stage))) return;
  // While one lies, the others stay well: that the only one left to ask lies is beyond what can be withstood.
  if (stage.world.chain.nodes.some(({ faults }) => LIE_KEYS.some((key) => faults[key]))) return;
  spoil(stage, node, is);
  const end = stage.troubles.begin('node');
  after(stage, forMs, () => {
    heal(stage, node);
    end();
  });
};

const forAWhile =
  (kind: 'node' | 'host' | 'passing', set: (stage: Stage, on: boolean) => void) =>
  (stage: Stage, { forMs }: { readonly forMs: number }): void => {
    set(stage, true);
    const end = stage.troubles.begin(kind);
    after(stage, forMs, () => {
      set(stage, false);
      end();
    });
  };

const passing = (stage: Stage, ms: number): void => {
  const end = stage.troubles.begin('passing');
  after(stage, ms, end);
};

const disturb = (stage: Stage, machine: WorldMachine): void => {
  machine.disturbedMs = stage.world.clock.monotonicMs();
};

const buy: Executors['buy'] = (stage, { seconds }) => {
  const { world } = stage;
  const number = 100 + world.machines.size;
  const owner = walletOf(number);
  world.chain.send({ kind: 'buy', owner, expiresAt: unixNow(stage) + BigInt(seconds) });
  let tries = 0;
  const serve = async (id: bigint): Promise<void> => {
    const uuid = `11111111-0000-4000-8000-${String(world.machines.size + 1).padStart(12, '0')}`;
    tries += 1;
    const { outcome } = engineCreates(
      world,
      id,
      owner,
      uuid,
      world.chance.took.chance(0.15) ? world.chance.took.int(1, 30) : undefined,
    );
    const machine = world.machines.get(uuid);
    if (machine) machine.unfinished = true;
    const result = await outcome;
    const there = world.hypervisor.guest(uuid) !== undefined;
    if (machine) machine.unfinished = false;
    if (machine) disturb(stage, machine);
    stage.tell(`engine: create of ${id} ${result.ok ? 'is done' : `failed: ${result.why}`}`);
    if (result.ok || there || tries > 4) return;
    await world.clock.sleep(60_000);
    if (machine && world.hypervisor.guest(uuid) === undefined) world.machines.delete(uuid);
    await serve(id);
  };
  const find = async (): Promise<void> => {
    for (let looks = 0; looks < 20; looks += 1) {
      await world.clock.sleep(world.scenario.host.blockMs + 1000);
      const found = [...world.chain.head().subscriptions].find(([, { owner: buyer }]) => buyer === owner);
      if (found) return serve(found[0]);
    }
  };
  void find();
};

const operator: Executors['operator'] = (stage, { machine: number, says, days, dies }) => {
  const { world } = stage;
  const machine = machineAt(stage, number);
  if (!machine) return;
  disturb(stage, machine);
  const before = { stopped: machine.stoppedByHand, condemned: machine.condemned };
  if (says === 'stop' || says === 'kill') machine.stoppedByHand = true;
  if (says === 'destroy') machine.condemned = true;
  if (says === 'start' || says === 'resume') machine.pausedByOthers = true;
  const end = stage.troubles.begin('passing');
  void command(world, says, machine.name, days, dies).outcome.then((result) => {
    end();
    disturb(stage, machine);
    stage.tell(`operator: ${says} ${machine.name} ${result.ok ? 'is done' : `failed: ${result.why}`}`);
    if (says === 'start' || says === 'resume') {
      machine.pausedByOthers = false;
      if (result.ok || dies !== undefined) machine.stoppedByHand = false;
      if (result.ok || dies !== undefined) machine.stoppedByOwner = false;
    }
    // An order that could not be carried out at once stands in the journal, unless a word refused it.
    if (!result.ok && says === 'destroy' && /is held|is protected/.test(result.why)) {
      machine.condemned = before.condemned;
    }
    if (!result.ok && dies === undefined && (says === 'stop' || says === 'kill'))
      machine.stoppedByHand =
        before.stopped || stage.daemon()?.state()?.machines[machine.uuid]?.adminStop !== undefined;
  });
};

const spoken: Executors['word'] = (stage, { machine: number, says, forMs = 3_600_000 }) => {
  const { world } = stage;
  const machine = machineAt(stage, number);
  if (!machine) return;
  const { name: vm } = machine;
  const nowMs = world.clock.monotonicMs();
  if (says === 'hold') machine.heldUntilMs = Math.max(machine.heldUntilMs, nowMs + forMs);
  const reason = 'the simulator says so';
  const words = {
    hold: { word: 'hold', vm, reason, forMs },
    release: { word: 'release', vm },
    protect: { word: 'protect', vm, reason, forMs },
    unprotect: { word: 'unprotect', vm },
    ack: { word: 'ack', what: vm },
  } as const;
  disturb(stage, machine);
  void word(world, words[says]).outcome.then((result) => {
    if (result.ok && says === 'release') machine.heldUntilMs = 0;
    // Only a word that is written protects; a later one stands in place of the one before.
    if (result.ok && says === 'protect') machine.protectedUntilMs = nowMs + forMs;
    if (says === 'unprotect') machine.protectedUntilMs = 0;
    stage.tell(`operator: ${says} ${vm} ${result.ok ? 'is written' : `failed: ${result.why}`}`);
  });
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
  const end = troubles.begin('clock');
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
