import { rmSync } from 'node:fs';
import { parseCreateRequest } from '../../src/domain/create-request.ts';
import type { Address } from '../../src/domain/identity.ts';
import type { Policy } from '../../src/domain/policy.ts';
import { createMachine } from '../../src/operations/create/create.ts';
import { destroyExplicitly } from '../../src/operations/explicit/destroy.ts';
import { collectGarbage } from '../../src/operations/explicit/gc.ts';
import { killMachine } from '../../src/operations/explicit/kill.ts';
import { resumeMachine } from '../../src/operations/explicit/resume.ts';
import { startMachine } from '../../src/operations/explicit/start.ts';
import { stopMachine } from '../../src/operations/explicit/stop.ts';
import { throttle } from '../../src/operations/throttle.ts';
import { updateGecos } from '../../src/operations/update-gecos.ts';
import { type CrashHost, START_UNIX_MS } from './crash-host.ts';

/** The machine that everything happens to, one that is paid for stands beside it and never notices. */
export const NAME = 'blockhost-001';

const OWNER: Address = `0x${'a1'.repeat(20)}`;
const BUYER: Address = `0x${'b2'.repeat(20)}`;
/** The first token that is minted is the first machine's. */
const TOKEN = 41;
const HOUR_S = 3600n;
const YEAR_S = 31_536_000n;
/** Long enough for whatever a daemon does at once, and shorter than grace and quarantine. */
export const A_WHILE_MS = 120_000;
const GRACE_MS = 600_000;

export interface Operation {
  readonly name: string;
  readonly policy?: Partial<Policy>;
  /** The host as the operation finds it. */
  readonly stage: (host: CrashHost) => Promise<void>;
  /** What is killed: a command, or else a daemon that looks at everything for a while. */
  readonly command?: (host: CrashHost) => Promise<unknown>;
  /** KNOWN SHORTFALL: once its word is given and its act is not, the daemon leaves it there; only the same command ends it. */
  readonly daemonDoesNotFinish?: true;
  /** The same command again means as much again, and is no way to finish it. */
  readonly addsUp?: true;
  /** What happens after the death, before anybody looks. */
  readonly meanwhile?: (host: CrashHost) => void;
}

const now = ({ clock }: CrashHost): bigint => BigInt(Math.floor(clock.nowUnixMs() / 1000));
const uuidOf = ({ deps }: CrashHost, name = NAME): string =>
  Object.values(deps.journal.state().machines).find((machine) => machine.name === name)?.uuid ?? '';

const sell = async (host: CrashHost, id: number, seconds: bigint): Promise<void> => {
  const name = `blockhost-${String(id).padStart(3, '0')}`;
  host.chain.buy(id, OWNER, now(host) + seconds);
  const raw = { name, ownerWallet: OWNER, username: 'customer', mint: true, apply: true };
  await createMachine(
    host.deps,
    parseCreateRequest(raw, { expiryDays: 30, walletPattern: undefined, engineMints: false }),
  );
};

/** Until the same moment whenever it is paid: lives are compared to the second. */
const pay = ({ chain }: CrashHost): void => chain.pay(1, BigInt(START_UNIX_MS / 1000) + 2n * YEAR_S);
const wait = (host: CrashHost, ms: number): Promise<void> => host.daemonUntil(host.clock.nowUnixMs() + ms);

/** Both machines run, and the daemon has nothing left to do. */
const running = async (host: CrashHost): Promise<void> => {
  await sell(host, 1, HOUR_S);
  await sell(host, 2, YEAR_S);
  await wait(host, A_WHILE_MS);
};
/** Its time is over, and so is what a final block lags behind; nobody has looked since. */
const expired = async (host: CrashHost): Promise<void> => {
  await running(host);
  host.clock.advance(Number(HOUR_S) * 1000);
};
const suspended = async (host: CrashHost): Promise<void> => {
  await expired(host);
  await wait(host, A_WHILE_MS);
};
const graceOver = async (host: CrashHost): Promise<void> => {
  await suspended(host);
  host.clock.advance(GRACE_MS);
};
const quarantined = async (host: CrashHost): Promise<void> => {
  await graceOver(host);
  await wait(host, A_WHILE_MS);
};
const stopped = async (host: CrashHost): Promise<void> => {
  await running(host);
  await stopMachine(host.explicit(), NAME);
};
const limited = async (host: CrashHost): Promise<void> => {
  await running(host);
  await throttle(host.deps, NAME, { cpuShares: 512, readIops: 100 }, { reset: false });
};
const after =
  (stage: Operation['stage'], then: (host: CrashHost) => unknown): Operation['stage'] =>
  async (host) => {
    await stage(host);
    await then(host);
  };
const guest = (change: Parameters<CrashHost['guests']['set']>[1], stage: Operation['stage']): Operation['stage'] =>
  after(stage, (host) => host.guests.set(uuidOf(host), change));
const transferred = (stage: Operation['stage']): Operation['stage'] =>
  after(stage, (host) => {
    host.chain.transfer(TOKEN, BUYER);
    host.clock.advance(60_000);
  });
/** Another machine has got its address by now. */
const succeeded = (stage: Operation['stage']): Operation['stage'] => after(stage, (host) => sell(host, 3, YEAR_S));
/** The token is its former owner's again, and that is final. */
const backAgain = (host: CrashHost): void => {
  host.chain.transfer(TOKEN, OWNER);
  host.clock.advance(60_000);
};

const gc = (host: CrashHost) =>
  collectGarbage(host.explicit(), { execute: true, suspend: true, destroy: true, width: 2 });
const resume = (host: CrashHost, extendDays = 0) => resumeMachine(host.explicit(), NAME, { extendDays, dryRun: false });

/** Every operation but create and destroy, which have tests of their own beside this one. */
export const OPERATIONS: readonly Operation[] = [
  { name: 'suspend: the guest obeys', stage: expired },
  {
    name: 'suspend: only its agent obeys',
    // A request that was lost with its daemon counts: there is time for the agent's next one.
    policy: { shutdownPatienceMs: 60_000 },
    stage: guest({ hears: ['agent'] }, expired),
  },
  { name: 'suspend: its power is taken', stage: guest({ hears: [] }, expired) },
  { name: 'suspend: its power is taken by force', stage: guest({ hears: [], stuck: true }, expired) },
  { name: 'suspend: saved', policy: { suspendMode: 'save' }, stage: expired },
  {
    name: 'suspend: it was off already',
    stage: after(running, async (host) => {
      host.guests.set(uuidOf(host), { run: 'off', reason: 'shutdown' });
      await wait(host, A_WHILE_MS);
      host.clock.advance(Number(HOUR_S) * 1000);
    }),
  },
  { name: 'suspend, and it is paid meanwhile', stage: guest({ hears: [] }, expired), meanwhile: pay },
  { name: 'resume: paid again', stage: after(suspended, pay) },
  {
    name: 'resume: paid again, from a saved image',
    policy: { suspendMode: 'save' },
    stage: after(suspended, pay),
  },
  { name: 'restart: its qemu died', stage: guest({ run: 'crashed', reason: 'crashed' }, limited) },
  { name: 'login: a new owner', stage: transferred(running) },
  { name: 'login: a new owner, and the former one again meanwhile', stage: transferred(running), meanwhile: backAgain },
  { name: 'link: paid again by a new owner', stage: after(transferred(suspended), pay) },
  { name: 'quarantine', stage: graceOver },
  { name: 'quarantine, and it is paid meanwhile', stage: graceOver, meanwhile: pay },
  { name: 'restore: paid late', stage: after(quarantined, pay) },
  { name: 'restore at another address', stage: after(succeeded(quarantined), pay) },
  { name: 'purge', stage: after(quarantined, (host) => host.clock.advance(GRACE_MS)) },
  { name: 'limits: lost', stage: guest({ limits: {} }, limited) },
  {
    name: 'record: lost',
    stage: after(running, ({ paths }) => rmSync(paths.vmsJson)),
  },
  {
    name: 'journal and records: lost',
    stage: after(running, ({ paths }) => {
      rmSync(paths.vmsJson);
      rmSync(paths.stateDir, { recursive: true });
    }),
  },
  {
    name: 'command stop',
    stage: running,
    command: (host) => stopMachine(host.explicit(), NAME),
    daemonDoesNotFinish: true,
  },
  {
    name: 'command kill',
    stage: running,
    command: (host) => killMachine(host.explicit(), NAME),
    daemonDoesNotFinish: true,
  },
  {
    name: 'command start',
    stage: stopped,
    command: (host) => startMachine(host.explicit(), NAME),
    daemonDoesNotFinish: true,
  },
  { name: 'command resume', stage: stopped, command: (host) => resume(host), daemonDoesNotFinish: true },
  { name: 'command resume --extend-days', stage: suspended, command: (host) => resume(host, 3), addsUp: true },
  {
    name: 'command resume, out of quarantine',
    stage: quarantined,
    command: (host) => resume(host, 3),
    addsUp: true,
  },
  {
    name: 'command throttle',
    stage: running,
    command: (host) => throttle(host.deps, NAME, { cpuShares: 512, readIops: 100 }, { reset: false }),
  },
  {
    name: 'command throttle, of a limited machine',
    stage: limited,
    command: (host) => throttle(host.deps, NAME, { readIops: 0, cpuQuotaPercent: 50 }, { reset: false }),
  },
  {
    name: 'command update-gecos',
    stage: running,
    command: (host) => updateGecos(host.deps, NAME, { owner: BUYER, tokenId: BigInt(TOKEN) }),
  },
  { name: 'command gc: suspends', stage: expired, command: gc },
  { name: 'command gc: destroys', stage: graceOver, command: gc },
  { name: 'command gc: purges', stage: after(quarantined, (host) => host.clock.advance(GRACE_MS)), command: gc },
  {
    name: 'command destroy',
    stage: running,
    command: (host) => destroyExplicitly(host.explicit(), NAME, ['destroy', NAME]),
  },
];
