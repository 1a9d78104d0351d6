import { LockBusyError } from '../../domain/errors.ts';
import type { MachineMemory } from '../../domain/journal/memory.ts';
import { moment } from '../../domain/moment.ts';
import type { Observation } from '../../domain/observation.ts';
import type { Step } from '../../domain/plan.ts';
import type { VmRecord } from '../../domain/record.ts';
import { act, intentOf } from '../act.ts';
import { closeRecordOf } from '../close-record.ts';
import type { ChainReading } from '../observe.ts';
import { type Explicit, refusal } from './context.ts';
import { type Found, findMachine } from './find-machine.ts';
import { requireNotHeld, requireNotProtected } from './operator-words.ts';
import { machineIn } from './own-machine.ts';
import { alone, groundOf, keepUp, observeNow, readInTime } from './readings.ts';

/** A create that is under way is given so long to end; it would be committed in the middle of our destroy else. */
const CREATE_WAIT_MS = 40_000;

/** The chain's word, for the journal: the order stands whatever it is (D14). */
export const chainInWords = ({ chain, memory }: Observation): string => {
  if (memory?.machineClass.kind !== 'bound') return 'not bound to a subscription';
  if (chain.kind !== 'view') return 'unknown: its chain is not configured';
  const { head } = chain.view;
  if (!head.known) return `unknown: ${head.why}`;
  const { expiresAtUnix, cancelled, atBlock } = head.value;
  const what = cancelled ? 'cancelled, ended' : 'paid until';
  return `${what} ${moment(Number(expiresAtUnix) * 1000)} at block ${atBlock.number}`;
};

const requireAllowed = ({ deps }: Explicit, memory: MachineMemory): void => {
  requireNotHeld(memory, deps.clock.nowUnixMs());
  requireNotProtected(memory, deps.clock.nowUnixMs());
};

/** Writes the order down, once; from here on nothing but an operator's word stops it, and the daemon would finish it. */
const order = async (ctx: Explicit, memory: MachineMemory, argv: readonly string[], chain: string): Promise<void> => {
  const { deps, by } = ctx;
  const { uuid, name, machineClass, details } = memory;
  const known = deps.journal.state().machines[uuid];
  requireAllowed(ctx, known ?? memory);
  if (known?.ordered) return;
  const how = 'record, for an explicit destroy; the chain could not be asked';
  await deps.journal.append([
    ...(known ? [] : [{ kind: 'machine-known', uuid, name, machineClass, details, how } as const]),
    { kind: 'destroy-ordered', uuid, by, argv: [...argv], chain },
  ]);
};

const carryOut = async (ctx: Explicit, memory: MachineMemory, reading: ChainReading): Promise<void> => {
  const { deps, fleet, by, say } = ctx;
  const { uuid, name } = memory;
  const now = deps.journal.state().machines[uuid];
  const undoes = now?.phase === 'creating';
  if (now !== undefined && now.phase !== 'gone') {
    const step: Step = { do: undoes ? 'undo-create' : 'destroy-for-good' };
    const observation = await observeNow(deps, fleet, uuid, reading);
    const ground = groundOf(deps, observation, 'destroy-ordered', `destroyed by ${by}`);
    await deps.journal.append([intentOf(deps, uuid, ground, step)]);
    const failure = await act(deps, uuid, ground, step);
    if (failure !== undefined) throw failure;
  }
  say(undoes ? `${name}: a create that was broken off is undone` : `${name} is destroyed`);
};

const destroyFound = async (ctx: Explicit, memory: MachineMemory, argv: readonly string[]): Promise<void> => {
  const { deps, fleet } = ctx;
  const { uuid, name } = memory;
  requireAllowed(ctx, memory);
  const reading = await readInTime(ctx, uuid);
  const chain = chainInWords(await observeNow(deps, fleet, uuid, reading));
  const work = (): Promise<void> =>
    alone(ctx, uuid, async () => {
      // An unfinished create is no machine yet: it is undone, and needs no order that would outlive it.
      if (deps.journal.state().machines[uuid]?.phase !== 'creating') await order(ctx, memory, argv, chain);
      else requireAllowed(ctx, deps.journal.state().machines[uuid] ?? memory);
      await carryOut(ctx, memory, reading);
      await keepUp(ctx, uuid, reading);
    });
  if (memory.phase === 'creating') {
    await deps.locks.withCreate(name, { waitMs: CREATE_WAIT_MS }, work).catch((error: unknown) => {
      throw error instanceof LockBusyError ? refusal(`${name} is still being created`, 'try again in a moment') : error;
    });
    return;
  }
  await work().catch(async (error: unknown) => {
    if (!(error instanceof LockBusyError)) throw error;
    await order(ctx, memory, argv, chain);
    throw refusal(`${name} is being worked on; it is destroyed as soon as that has ended`, 'or run it again');
  });
};

/** A record that nothing stands behind is closed; what else may be left of it cannot be told from other machines' things. */
const closeLoose = async ({ deps, say, warn }: Explicit, record: VmRecord): Promise<void> => {
  const { name, ipAddress, ipv6Address } = record;
  await closeRecordOf(deps, { name, ipAddress, ipv6Address });
  warn(`libvirt had no domain ${name}: see whether ${deps.cloudInitDirectory(name)} or a disk of its name is left`);
  say(`${name} is destroyed: its record is closed and its addresses are free`);
};

const overAlready = async (ctx: Explicit, name: string, memory: MachineMemory | undefined): Promise<void> => {
  if (memory !== undefined) {
    const reading: ChainReading = { chain: { kind: 'not-configured' }, candidate: undefined, login: undefined };
    await keepUp(ctx, memory.uuid, reading);
  }
  ctx.say(`${name} is destroyed already`);
};

/**
 * `destroy` (D14): its own warrant, immediate and total; only `hold` and `protect` refuse it. May be repeated: what is
 * destroyed, or was never known, is no error.
 */
export const destroyExplicitly = async (ctx: Explicit, name: string, argv: readonly string[]): Promise<void> => {
  const found: Found = await findMachine(ctx.deps, ctx.fleet, name);
  switch (found.kind) {
    case 'nobody':
      ctx.say(`nothing is known of ${name}: there is nothing to destroy`);
      return;
    case 'over':
      await overAlready(ctx, name, found.memory);
      return;
    case 'record':
      await closeLoose(ctx, found.record);
      return;
    default:
      await destroyFound(ctx, machineIn(found, name), argv);
  }
};
