import { type DomainState, isOn } from '../../domain/domain-state.ts';
import { explain, LockBusyError } from '../../domain/errors.ts';
import { nextMove } from '../../domain/escalation.ts';
import type { MachineMemory, Suspending } from '../../domain/journal/memory.ts';
import type { Policy } from '../../domain/policy.ts';
import { type Explicit, refusal } from './context.ts';
import { requireNotHeld } from './operator-words.ts';
import { presentMachine, requireNotOrdered } from './own-machine.ts';
import { beginStop, noteOff } from './power-off.ts';
import { alone } from './readings.ts';

/** The admin panel waits a minute for the whole command. */
const PATIENCE_MS = 46_000;
const LOOK_MS = 500;
const LOCK_WAIT_MS = 2_000;

/** The daemon's escalation without its end: asked again and again, and power is never taken. */
const asksOnly = (policy: Policy): Policy => ({
  ...policy,
  suspendMode: 'shutdown',
  shutdownRepeatMs: Math.min(policy.shutdownRepeatMs, 10_000),
  shutdownPatienceMs: Number.MAX_SAFE_INTEGER,
});

const deaf = (name: string, run: string): Error =>
  refusal(`${name} is ${run} and cannot hear a request to shut down`, `blockhost-vm-kill ${name} takes its power`);

/** Somebody's newer word ends the stop: it was started, ordered to go, or is held (D26). */
const requireStillWanted = (ctx: Explicit, memory: MachineMemory): void => {
  const known = ctx.deps.journal.state().machines[memory.uuid];
  if (known === undefined) return;
  requireNotHeld(known, ctx.deps.clock.nowUnixMs());
  requireNotOrdered(known);
  if (known.adminStop === undefined) throw refusal(`${memory.name} was started again meanwhile: the stop is off`);
};

/** What was asked so far, for the escalation. */
const asked = (before: Suspending | undefined, requests: number, nowUnixMs: number): Suspending => ({
  sinceUnixMs: before?.sinceUnixMs ?? nowUnixMs,
  requests,
  lastRequestUnixMs: nowUnixMs,
  powerOffs: 0,
  lastPowerOffUnixMs: 0,
  saveFailed: false,
});

/** Asks the guest if it is time to; under the machine's lock, which is let go of at once. */
const ask = async (
  ctx: Explicit,
  memory: MachineMemory,
  domain: DomainState,
  sofar: Suspending | undefined,
): Promise<Suspending | undefined> => {
  const { deps, say } = ctx;
  const move = nextMove(domain, sofar, asksOnly(deps.policy), deps.clock.nowUnixMs());
  if (!('step' in move)) return sofar;
  const { step } = move;
  if (step.do !== 'request-shutdown') throw deaf(memory.name, domain.run);
  const requests = (sofar?.requests ?? 0) + 1;
  // The next one is counted from when libvirt has passed this one on, which may take it its time (L8).
  const next = (): Suspending => asked(sofar, requests, deps.clock.nowUnixMs());
  try {
    await alone(
      ctx,
      memory.uuid,
      async () => {
        requireStillWanted(ctx, memory);
        await deps.hypervisor.requestShutdown(memory.uuid, step.mode);
        say(`${memory.name}: asked to shut down (${step.mode}, request ${requests})`);
      },
      LOCK_WAIT_MS,
    );
    return next();
  } catch (error) {
    // Whoever works on it, or an agent that does not answer: the next request comes all the same.
    if (error instanceof LockBusyError) return sofar;
    if (step.mode !== 'agent') throw error;
    say(`${memory.name}: its agent did not take the request: ${explain(error)}`);
    return next();
  }
};

/**
 * `stop` (D16): a graceful shutdown. The stop is written down first, so that nobody takes it for a crash; then the guest
 * is asked until it is seen off, without holding a lock while it takes its time. Throws where it stays on.
 */
export const stopMachine = async (ctx: Explicit, name: string): Promise<void> => {
  const { deps, say, stop } = ctx;
  const startedMs = deps.clock.monotonicMs();
  const memory = await presentMachine(ctx, name);
  const on = await alone(ctx, memory.uuid, () => beginStop(ctx, memory));
  let sofar: Suspending | undefined;
  while (on) {
    const domain = await deps.hypervisor.look(memory.uuid);
    if (domain === 'absent' || !isOn(domain)) break;
    await deps.journal.refresh();
    requireStillWanted(ctx, memory);
    if (deps.clock.monotonicMs() - startedMs > PATIENCE_MS) {
      throw refusal(
        `${name} was asked ${sofar?.requests ?? 0} times to shut down and is still on`,
        `it stays off once it is off; blockhost-vm-kill ${name} takes its power now`,
      );
    }
    sofar = await ask(ctx, memory, domain, sofar);
    await deps.clock.sleep(LOOK_MS, stop).catch(() => {
      throw refusal(`interrupted; ${name} was asked to shut down, and stays off once it is off`);
    });
  }
  if (on && !(await alone(ctx, memory.uuid, () => noteOff(ctx, memory)))) {
    throw refusal(`${name} was off and is on again: somebody started it meanwhile`);
  }
  say(`${name} is off`);
};
