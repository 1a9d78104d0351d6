import { backoffEndsUnixMs } from './backoff.ts';
import { nextMove } from './escalation.ts';
import { CRASH } from './journal/fold.ts';
import type { MachineMemory } from './journal/memory.ts';
import { limitsMissing } from './limits.ts';
import { loginStep, ownerInDoubt, startStep } from './login.ts';
import type { Step } from './plan.ts';
import { isOver, isPaid, lookAtExpiry, type Outcome, type Row, type Situation, wait, withPermit } from './situation.ts';
import { stopCauseOf } from './stop-cause.ts';

/** Rows for a machine that has its domain: running, stopping, off, suspended. */

const suspendFurther = (situation: Situation): Outcome => {
  const { domain, memory, policy, observation } = situation;
  if (domain === undefined) return wait('the domain was not seen');
  return withPermit(situation, { kind: 'suspend', begun: memory.suspending !== undefined }, (because) => {
    const move = nextMove(domain, memory.suspending, policy, observation.nowUnixMs);
    return 'step' in move
      ? { step: move.step, because: `${because}; ${move.because}` }
      : wait(move.because, move.waitUntilUnixMs);
  });
};

const causeOf = ({ memory, domain }: Situation) => (domain ? stopCauseOf(memory, domain) : 'admin');

const isPaused = ({ domain }: Situation): boolean => domain?.run === 'paused' || domain?.run === 'pmsuspended';

const start = (because: string, situation: Situation): Outcome => ({ because, step: startStep(situation.observation) });

const restart = (situation: Situation): Outcome => {
  const { memory, policy, observation } = situation;
  const cause = causeOf(situation);
  const crash = cause === 'crash' ? memory.failures[CRASH] : undefined;
  const { uuid, nowUnixMs } = observation;
  const notBefore =
    crash && crash.count > 1 ? backoffEndsUnixMs(uuid, { ...crash, count: crash.count - 1 }, policy, nowUnixMs) : 0;
  if (notBefore > nowUnixMs) return wait(`crash ${crash?.count} in a row`, notBefore);
  return start(cause === 'host' ? 'it ran before the host went down' : 'its qemu died', situation);
};

/** An owner in doubt is looked at again soon: a transfer settles, an agent connects, a second endpoint answers. */
const LOGIN_LOOK_MS = 5000;

const loginWork = (situation: Situation): Outcome => {
  const { observation, memory, policy } = situation;
  const step = loginStep(observation);
  const outcome: Outcome = step
    ? { because: step.do === 'link-up' ? 'GECOS is right' : 'the credential has a new owner', step }
    : wait(
        'the credential has a new owner, not settled yet or the guest agent is silent',
        observation.nowUnixMs + LOGIN_LOOK_MS,
      );
  const noted = memory.newOwnerSinceUnixMs !== undefined || !ownerInDoubt(observation);
  const chores: Outcome['chores'] = noted ? [] : [{ chore: 'note-new-owner' }];
  const since = Math.min(
    memory.linkDownSinceUnixMs ?? Number.POSITIVE_INFINITY,
    memory.newOwnerSinceUnixMs ?? Number.POSITIVE_INFINITY,
  );
  if (observation.nowUnixMs - since <= policy.loginAlarmMs) return { ...outcome, chores };
  const link = memory.linkDownSinceUnixMs === undefined ? 'the former owner may still log in' : 'the link stays down';
  return { ...outcome, chores, report: { level: 'error', what: `GECOS could not be set; ${link}` } };
};

/** A save is worth a look this often when its customer waits for its end. */
const SAVE_LOOK_MS = 1000;

const goesOn = (situation: Situation): Outcome => {
  const { standing } = situation;
  const because = standing.known
    ? standing.value === 'paid'
      ? 'paid for'
      : 'at its end, not over yet'
    : `unknown: ${standing.why}`;
  return wait(because, lookAtExpiry(situation));
};

/** Limits last as long as the machine runs, so a start loses them; what nobody ever limited is left alone. */
const lacksLimits = ({ domain, memory }: Situation): boolean =>
  domain?.run === 'running' &&
  domain.limits !== undefined &&
  memory.limits !== undefined &&
  limitsMissing(memory.limits, domain.limits).length > 0;

const limitStep = ({ limits = {} }: MachineMemory): Step => ({ do: 'limit', limits });

/** A guest whose agent answers may still be setting up its network; after so many looks somebody has to help it. */
const LOOKS_BEFORE_ALARM = 4;

const addressWork = (s: Situation): Outcome => {
  const failure = s.memory.failures['check-address'];
  const alarm = failure !== undefined && failure.count >= LOOKS_BEFORE_ALARM;
  return {
    ...goesOn(s),
    because: 'it came back at another address',
    step: { do: 'check-address' },
    ...(alarm ? { report: { level: 'error', what: failure.message } } : {}),
  };
};

export const PRESENT_ROWS: readonly Row[] = [
  { state: 'running', row: 'expired-running', to: 'stopping', when: isOver, outcome: suspendFurther },
  {
    state: 'running',
    row: 'io-error',
    to: 'running',
    when: (s) => isPaused(s) && s.domain?.reason === 'io-error',
    outcome: () => ({
      because: 'qemu paused the guest on a disk error',
      report: { level: 'error', what: 'paused on a disk error: make room, then resume it by hand' },
    }),
  },
  {
    state: 'running',
    row: 'paused-by-hand',
    to: 'running',
    when: isPaused,
    outcome: (s) => ({ ...goesOn(s), report: { level: 'warn', what: 'paused by somebody else; left so' } }),
  },
  {
    state: 'running',
    row: 'new-owner',
    to: 'running',
    when: (s) => ownerInDoubt(s.observation) || s.memory.linkDownSinceUnixMs !== undefined,
    outcome: loginWork,
  },
  {
    state: 'running',
    row: 'limits-lost',
    to: 'running',
    when: lacksLimits,
    outcome: (s) => ({ ...goesOn(s), because: 'its limits are not in force', step: limitStep(s.memory) }),
  },
  {
    state: 'running',
    row: 'came-back-elsewhere',
    to: 'running',
    when: ({ memory, domain }) => memory.formerAddresses?.stage === 'told' && domain?.agentConnected === true,
    outcome: addressWork,
  },
  { state: 'running', row: 'goes-on', to: 'running', when: () => true, outcome: goesOn },

  {
    state: 'stopping',
    row: 'suspension-taken-back',
    to: 'running',
    when: isPaid,
    outcome: (s) => {
      // Whoever pays while a save goes on, or has failed, must not find the guest paused for ever.
      if (s.domain?.reason === 'saving')
        return wait('paid again; it is being saved', s.observation.nowUnixMs + SAVE_LOOK_MS);
      if (s.domain?.reason === 'save-ended')
        return { because: 'paid again; a save left it paused', step: { do: 'resume' } };
      const began = s.memory.suspending;
      const until =
        Math.max(began?.lastRequestUnixMs ?? 0, began?.lastPowerOffUnixMs ?? 0) + s.policy.shutdownPatienceMs;
      if (s.observation.nowUnixMs < until) return wait('paid again; the guest may still be going down', until);
      return {
        because: 'paid again, and the guest stayed up',
        chores: [{ chore: 'note-suspension-over', why: 'paid again' }],
      };
    },
  },
  { state: 'stopping', row: 'still-stopping', to: 'off', when: () => true, outcome: suspendFurther },

  {
    state: 'off',
    row: 'stop-unsettled',
    to: 'off',
    when: (s) => s.observation.nowUnixMs < (s.domain?.sinceUnixMs ?? 0) + s.policy.stopDebounceMs,
    outcome: (s) => wait('it stopped a moment ago', (s.domain?.sinceUnixMs ?? 0) + s.policy.stopDebounceMs),
  },
  {
    state: 'off',
    row: 'paid-again-while-stopping',
    to: 'running',
    when: (s) => isPaid(s) && causeOf(s) === 'expiry',
    outcome: (s) => start('paid again while it was being suspended', s),
  },
  {
    state: 'off',
    row: 'suspended-now',
    to: 'suspended',
    when: (s) => causeOf(s) === 'expiry',
    outcome: (s) => ({
      because: 'observed off',
      chores: [{ chore: 'note-suspended', atUnixMs: s.observation.nowUnixMs }],
    }),
  },
  {
    state: 'off',
    row: 'expired-off',
    to: 'suspended',
    when: isOver,
    outcome: (s) =>
      withPermit(s, { kind: 'suspend', begun: true }, (because) => ({
        because: `${because}; it was off already`,
        chores: [{ chore: 'note-suspended', atUnixMs: s.observation.nowUnixMs }],
      })),
  },
  {
    state: 'off',
    row: 'restart',
    to: 'running',
    when: (s) => causeOf(s) === 'crash' || causeOf(s) === 'host',
    outcome: restart,
  },
  {
    state: 'off',
    row: 'owner-off-start',
    to: 'running',
    when: (s) => causeOf(s) === 'owner' && s.policy.onOwnerStop === 'start' && isPaid(s),
    outcome: (s) => start('its owner powered it off, and the policy starts it', s),
  },
  {
    state: 'off',
    row: 'stays-off',
    to: 'off',
    when: () => true,
    outcome: (s) =>
      wait(causeOf(s) === 'owner' ? 'its owner powered it off' : 'it was stopped by hand', lookAtExpiry(s)),
  },

  {
    state: 'suspended',
    row: 'paid-but-stopped-by-hand',
    to: 'off',
    when: (s) => isPaid(s) && (s.memory.run?.cause === 'admin' || s.memory.adminStop !== undefined),
    outcome: () => ({
      because: 'paid again, and stopped by hand before',
      chores: [{ chore: 'note-suspension-over', why: 'paid again' }],
    }),
  },
  { state: 'suspended', row: 'paid-again', to: 'running', when: isPaid, outcome: (s) => start('paid again', s) },
  {
    state: 'suspended',
    row: 'grace-over',
    to: 'destroying',
    when: () => true,
    outcome: (s) =>
      withPermit(s, { kind: 'destroy', begun: false }, (because) => ({
        because: `${because}; grace has passed`,
        step: { do: 'destroy' },
      })),
  },
];
