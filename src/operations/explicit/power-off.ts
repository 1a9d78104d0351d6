import { type DomainState, isOn } from '../../domain/domain-state.ts';
import type { JournalEvent } from '../../domain/journal/event.ts';
import type { MachineMemory } from '../../domain/journal/memory.ts';
import type { ChainReading } from '../observe.ts';
import { type Explicit, refusal } from './context.ts';
import { isProtected, requireNotHeld } from './operator-words.ts';
import { requireNotOrdered } from './own-machine.ts';
import { keepUp } from './readings.ts';

/** Nothing was asked of the chain: whether it is paid for has no say in a stop. */
const nothingRead = ({ machineClass }: MachineMemory): ChainReading => ({
  chain: machineClass.kind === 'bound' ? { kind: 'not-configured' } : { kind: 'not-bound' },
  candidate: undefined,
  login: undefined,
});

const lookAtOwn = async ({ deps }: Explicit, { uuid, name }: MachineMemory): Promise<DomainState> => {
  const domain = await deps.hypervisor.look(uuid);
  if (domain === 'absent') throw refusal(`libvirt has no domain ${name}`);
  return domain;
};

/** Off by an operator's hand: whatever it was off for before, it stays off until `start` or `resume` (D16). */
const offByHand = ({ deps }: Explicit, { uuid }: MachineMemory): readonly JournalEvent[] => {
  const run = deps.journal.state().machines[uuid]?.run;
  if (run?.on === false && run.cause === 'admin') return [];
  return [{ kind: 'seen-off', uuid, cause: 'admin', bootId: deps.bootId }];
};

/** Under the machine's lock: writes the stop down before anything is asked of the guest (L4). False where it is off already. */
export const beginStop = async (ctx: Explicit, memory: MachineMemory): Promise<boolean> => {
  const { deps, by, warn } = ctx;
  const { uuid, name } = memory;
  const known = deps.journal.state().machines[uuid];
  if (known) {
    requireNotHeld(known, deps.clock.nowUnixMs());
    requireNotOrdered(known);
    if (isProtected(known, deps.clock.nowUnixMs()))
      warn(`${name} is protected from suspension and destruction; a stop by hand is neither`);
  }
  const on = isOn(await lookAtOwn(ctx, memory));
  const stopped: JournalEvent = { kind: 'stopped-by-hand', uuid, by };
  await deps.journal.append([stopped, ...(on ? [] : offByHand(ctx, memory))]);
  return on;
};

/** Under the machine's lock: writes down that it was seen off. False where it is not. */
export const noteOff = async (ctx: Explicit, memory: MachineMemory): Promise<boolean> => {
  if (isOn(await lookAtOwn(ctx, memory))) return false;
  const events = offByHand(ctx, memory);
  if (events.length > 0) await ctx.deps.journal.append(events);
  await keepUp(ctx, memory.uuid, nothingRead(memory));
  return true;
};
