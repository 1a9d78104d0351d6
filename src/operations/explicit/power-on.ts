import { isOn } from '../../domain/domain-state.ts';
import type { MachineMemory } from '../../domain/journal/memory.ts';
import { startStep } from '../../domain/login.ts';
import { moment } from '../../domain/moment.ts';
import type { Observation } from '../../domain/observation.ts';
import { expiryAt, standingNow } from '../../domain/standing.ts';
import { act, intentOf } from '../act.ts';
import type { ChainReading } from '../observe.ts';
import { performStep } from '../steps.ts';
import { type Explicit, refusal } from './context.ts';
import { requireNotHeld } from './operator-words.ts';
import { requireNotOrdered } from './own-machine.ts';
import { alone, groundOf, keepUp, observeNow } from './readings.ts';

/** Who was asked to shut down this lately may still be on its way ... */
const GOING_DOWN_MS = 120_000;
/** ... and is watched for so long before it is believed that it stays. */
const WATCH_MS = 12_000;
const LOOK_MS = 500;

export interface PoweredOn {
  readonly how: 'started' | 'on';
  readonly observation: Observation;
}

const askedAtUnixMs = ({ adminStop, suspending }: MachineMemory): number =>
  Math.max(adminStop?.sinceUnixMs ?? 0, suspending?.lastRequestUnixMs ?? 0, suspending?.lastPowerOffUnixMs ?? 0);

/** One attempt under the machine's lock: the same step as the daemon's, so a former owner is never let in (D25). */
const attempt = async (ctx: Explicit, memory: MachineMemory, reading: ChainReading): Promise<PoweredOn> => {
  const { deps, fleet, by } = ctx;
  const { uuid, name } = memory;
  const known = deps.journal.state().machines[uuid];
  if (known) requireNotOrdered(known);
  const observation = await observeNow(deps, fleet, uuid, reading);
  const { domain } = observation;
  if (!domain.known) throw refusal(`${name} was not started: ${domain.why}`);
  if (domain.value === 'absent') throw refusal(`libvirt has no domain ${name}`);
  if (isOn(domain.value) && domain.value.run !== 'paused' && domain.value.run !== 'pmsuspended') {
    if (known?.adminStop) await deps.journal.append([{ kind: 'started-by-hand', uuid, by }]);
    return { how: 'on', observation };
  }
  if (known) requireNotHeld(known, observation.nowUnixMs);
  const step = startStep(observation);
  const ground = groundOf(deps, observation, 'started-by-hand', `started by ${by}`);
  await deps.journal.append([{ kind: 'started-by-hand', uuid, by }, intentOf(deps, uuid, ground, step)]);
  const failure = known ? await act(deps, uuid, ground, step) : await performStep(deps, memory, step).then(noFailure);
  if (failure !== undefined) throw failure;
  return { how: 'started', observation };
};

const noFailure = (): unknown => undefined;

/** True once it is seen off; false where it stays on. No lock is held meanwhile (D26). */
const goesDown = async ({ deps, stop }: Explicit, uuid: string): Promise<boolean> => {
  const untilMs = deps.clock.monotonicMs() + WATCH_MS;
  for (;;) {
    const domain = await deps.hypervisor.look(uuid);
    if (domain === 'absent' || !isOn(domain)) return domain !== 'absent';
    if (deps.clock.monotonicMs() >= untilMs) return false;
    await deps.clock.sleep(LOOK_MS, stop);
  }
};

/**
 * Turns a machine on, and tells. One that was asked to shut down a moment ago is watched: should it still go off, it is
 * started then, because this is the newer word.
 */
export const powerOn = async (ctx: Explicit, memory: MachineMemory, reading: ChainReading): Promise<PoweredOn> => {
  const { deps, say } = ctx;
  const { uuid, name } = memory;
  const asked = askedAtUnixMs(memory);
  const once = () => alone(ctx, uuid, () => attempt(ctx, memory, reading));
  let done = await once();
  if (done.how === 'on' && asked > deps.clock.nowUnixMs() - GOING_DOWN_MS) {
    say(`${name} is on; it was asked to shut down before, and is watched`);
    if (await goesDown(ctx, uuid)) done = await once();
  }
  await alone(ctx, uuid, () => keepUp(ctx, uuid, reading));
  say(done.how === 'started' ? `${name} is started` : `${name} is running`);
  return done;
};

/** Tells where the machine is on and not paid for: starting grants nothing (D15). */
export const warnUnpaid = ({ deps, warn }: Explicit, observation: Observation): void => {
  const standing = standingNow(observation, deps.policy);
  if (!standing.known || standing.value === 'paid') return;
  const expiry = expiryAt(observation, 'head');
  const ended = expiry.known ? ` since ${moment(expiry.value.expiresAtUnixMs)}` : '';
  warn(`${observation.name} is not paid for${ended}: it will be suspended again`);
};
