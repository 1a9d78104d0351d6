import { expect } from 'vitest';
import { decide } from '../../src/domain/decide.ts';
import type { DomainState } from '../../src/domain/domain-state.ts';
import { known, unknown } from '../../src/domain/fact.ts';
import type { MachineMemory, StopCause } from '../../src/domain/journal/memory.ts';
import type { Observation } from '../../src/domain/observation.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/domain/policy.ts';
import { exampleDomain, exampleMemory, exampleObservation, exampleView, NOW_MS, quiet } from './example-observation.ts';

/** Expiries in seconds from now, at every level: well before it, within the margin, and just past it. */
export const PAID = 100;
export const ENDING = -10;
export const OVER = -31;
/** When a machine that is `PAID` is looked at again. */
export const PAID_LOOK_MS = NOW_MS + 130_001;

export const ON: DomainState = { ...exampleDomain, metadata: { schema: 1, uuid: exampleMemory.uuid } };
export const OFF: DomainState = { ...ON, run: 'off', reason: 'shutdown' };

export const suspending = {
  sinceUnixMs: NOW_MS,
  requests: 1,
  lastRequestUnixMs: NOW_MS,
  powerOffs: 0,
  lastPowerOffUnixMs: 0,
  saveFailed: false,
};

/** Remembered as stopped, and why. */
export const stopped = (cause: StopCause) => ({ run: { on: false, cause, atUnixMs: 1, bootId: 'boot' } });

export const unknownChain: Partial<Observation> = {
  chain: {
    kind: 'view',
    view: exampleView(quiet({ expiresIn: PAID, lag: 0 }), { head: unknown('no endpoint answers', NOW_MS) }),
  },
};

/** The plan for a machine that upkeep has nothing to do for, so that what is seen of it is its row's doing. */
export const rowPlan = (
  expiresIn: number,
  domain: DomainState | 'absent',
  remembered: Partial<MachineMemory> = {},
  change: Partial<Observation> = {},
  policy: Partial<Policy> = {},
): Plan => {
  const plan = decide(
    exampleObservation(exampleView(quiet({ expiresIn, lag: 0 })), {
      domain: known(domain),
      record: unknown('not asked', NOW_MS),
      memory: {
        ...exampleMemory,
        run: { on: true, atUnixMs: 1, bootId: 'boot' },
        lastExpiresAtUnix: BigInt(NOW_MS / 1000 + expiresIn),
        ...remembered,
      },
      ...change,
    }),
    { ...DEFAULT_POLICY, ...policy },
  );
  expect(plan.because, 'every decision says why (L9)').toMatch(/\w/);
  return plan;
};
