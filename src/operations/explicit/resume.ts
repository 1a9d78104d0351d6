import { isOn } from '../../domain/domain-state.ts';
import type { MachineMemory } from '../../domain/journal/memory.ts';
import { moment } from '../../domain/moment.ts';
import type { Observation } from '../../domain/observation.ts';
import type { Step } from '../../domain/plan.ts';
import { expiryAt, standingNow } from '../../domain/standing.ts';
import { act, intentOf } from '../act.ts';
import type { ChainReading } from '../observe.ts';
import { type Explicit, refusal } from './context.ts';
import { findMachine } from './find-machine.ts';
import { requireNotHeld } from './operator-words.ts';
import { machineIn, requireNotOrdered } from './own-machine.ts';
import { powerOn, warnUnpaid } from './power-on.ts';
import { alone, groundOf, keepUp, observeNow, readInTime } from './readings.ts';

export interface ResumeOptions {
  /** An operator's grant, in whole days; 0 grants nothing. */
  readonly extendDays: number;
  readonly dryRun: boolean;
}

const DAY_S = 86_400n;
const AWAY: ReadonlySet<MachineMemory['phase']> = new Set(['quarantined', 'destroying', 'restoring']);

/** A resume that was thought through: what it will do, each part in words. */
interface Resumption {
  readonly memory: MachineMemory;
  readonly reading: ChainReading;
  readonly grantUntilUnix: bigint | undefined;
  readonly restores: boolean;
  readonly starts: boolean;
}

/** What it is paid until now, by whoever says so: the chain or, where that cannot be asked, its record; and earlier grants. */
const paidUntilUnix = (observation: Observation): bigint => {
  const expiry = expiryAt(observation, 'head');
  const { record, memory } = observation;
  const recorded = (record.known ? record.value?.expiresAtUnix : undefined) ?? memory?.lastExpiresAtUnix ?? 0n;
  const until = expiry.known ? BigInt(Math.floor(expiry.value.expiresAtUnixMs / 1000)) : recorded;
  const granted = memory?.grantUntilUnix ?? 0n;
  return until > granted ? until : granted;
};

/**
 * The days are added to what the customer has, or to this moment where that has passed: an extension never takes a day
 * away, and no day of it is spent before it is given.
 */
export const grantFor = (observation: Observation, extendDays: number): bigint | undefined => {
  if (extendDays <= 0) return undefined;
  const nowUnix = BigInt(Math.floor(observation.nowUnixMs / 1000));
  const until = paidUntilUnix(observation);
  return (until > nowUnix ? until : nowUnix) + BigInt(extendDays) * DAY_S;
};

/** A machine that was destroyed comes back for those who pay; that its time is over must be known to refuse it (L3). */
const requireWorthRestoring = (observation: Observation, ctx: Explicit, grant: bigint | undefined): void => {
  const standing = standingNow(observation, ctx.deps.policy);
  if (grant !== undefined || !standing.known || standing.value === 'paid') return;
  const { name } = observation;
  throw refusal(
    `${name} is in quarantine and is not paid for`,
    `blockhost-vm-resume ${name} --extend-days N grants it N days and brings it back`,
  );
};

const think = async (ctx: Explicit, name: string, extendDays: number): Promise<Resumption> => {
  const { deps, fleet } = ctx;
  const memory = machineIn(await findMachine(deps, fleet, name), name);
  requireNotOrdered(memory);
  if (memory.phase === 'creating') throw refusal(`${name} is being created`, 'wait until its create has ended');
  const reading = await readInTime(ctx, memory.uuid);
  const observation = await observeNow(deps, fleet, memory.uuid, reading);
  const { domain } = observation;
  if (!domain.known) throw refusal(`${name} was not resumed: ${domain.why}`);
  const restores = AWAY.has(memory.phase);
  const there = domain.value !== 'absent' ? domain.value : undefined;
  const starts = there === undefined || !isOn(there) || there.run === 'paused' || there.run === 'pmsuspended';
  const grantUntilUnix = grantFor(observation, extendDays);
  if (starts || restores || grantUntilUnix !== undefined) requireNotHeld(memory, observation.nowUnixMs);
  if (restores) requireWorthRestoring(observation, ctx, grantUntilUnix);
  else if (there === undefined) throw refusal(`libvirt has no domain ${name}`);
  return { memory, reading, grantUntilUnix, restores, starts };
};

const foretell = ({ say }: Explicit, { memory, grantUntilUnix, restores, starts }: Resumption): void => {
  const { name } = memory;
  if (grantUntilUnix !== undefined) say(`would grant ${name} until ${moment(Number(grantUntilUnix) * 1000)}`);
  if (restores) say(`would bring ${name} back out of quarantine`);
  say(starts ? `would start ${name}` : `${name} is running: it would stay so`);
};

const grant = async (ctx: Explicit, { memory, grantUntilUnix }: Resumption): Promise<void> => {
  if (grantUntilUnix === undefined) return;
  const { deps, by, say } = ctx;
  const { uuid, name } = memory;
  await deps.journal.append([{ kind: 'granted', uuid, untilUnix: grantUntilUnix, by }]);
  if (memory.phase === 'present') await deps.records.patch(name, { expiresAtUnix: grantUntilUnix });
  say(`${name} is granted until ${moment(Number(grantUntilUnix) * 1000)}`);
};

/** What the daemon does for a late payment (C11, D21); safe to do twice, also beside the daemon. */
const restore = async (ctx: Explicit, { memory, reading }: Resumption): Promise<void> => {
  const { deps, fleet, by, say } = ctx;
  const { uuid, name } = memory;
  const now = deps.journal.state().machines[uuid];
  if (now?.phase === 'present') return;
  if (now === undefined || now.phase === 'gone') throw refusal(`${name} was destroyed for good meanwhile`);
  const step: Step = { do: 'restore' };
  const observation = await observeNow(deps, fleet, uuid, reading);
  const ground = groundOf(deps, observation, 'resumed-by-hand', `resumed by ${by}`);
  await deps.journal.append([intentOf(deps, uuid, ground, step)]);
  const failure = await act(deps, uuid, ground, step);
  if (failure !== undefined) throw failure;
  say(`${name} is back out of quarantine`);
};

/**
 * `resume` (D15): the machine runs when it returns, whatever we believe of the chain; a stop by hand is taken back. Its
 * record gets the chain's expiry where that can be read, else keeps its own. `extendDays` is an operator's grant.
 */
export const resumeMachine = async (
  ctx: Explicit,
  name: string,
  { extendDays, dryRun }: ResumeOptions,
): Promise<void> => {
  const plan = await think(ctx, name, extendDays);
  if (dryRun) {
    foretell(ctx, plan);
    return;
  }
  const { uuid } = plan.memory;
  await alone(ctx, uuid, async () => {
    await grant(ctx, plan);
    if (plan.restores) {
      await restore(ctx, plan);
      await keepUp(ctx, uuid, plan.reading);
    }
  });
  const memory = ctx.deps.journal.state().machines[uuid] ?? plan.memory;
  await powerOn(ctx, memory, plan.reading);
  // The record of a machine that came back has its grant only now.
  if (plan.grantUntilUnix !== undefined) await ctx.deps.records.patch(name, { expiresAtUnix: plan.grantUntilUnix });
  warnUnpaid(ctx, await observeNow(ctx.deps, ctx.fleet, uuid, plan.reading));
};
