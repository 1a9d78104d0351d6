import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DomainState } from '../../../src/domain/domain-state.ts';
import { nextMove } from '../../../src/domain/escalation.ts';
import type { MachineMemory, Suspending } from '../../../src/domain/journal/memory.ts';
import { stopCauseOf } from '../../../src/domain/stop-cause.ts';
import { domain, MINUTE, memory, NOW, off, policy } from '../../support/suspended-machine.ts';

/* How a machine is stopped, and who stopped it. */

describe('a suspension escalates', () => {
  const begun = (change: Partial<Suspending>): Suspending => ({
    sinceUnixMs: NOW,
    requests: 0,
    lastRequestUnixMs: 0,
    powerOffs: 0,
    lastPowerOffUnixMs: 0,
    saveFailed: false,
    ...change,
  });
  const asked = (requests: number, since = NOW): Suspending =>
    begun({ requests, sinceUnixMs: since, lastRequestUnixMs: NOW });
  it.each<[string, Partial<DomainState>, Suspending | undefined, number, object]>([
    ['with the power button', {}, undefined, NOW, { step: { do: 'request-shutdown', mode: 'acpi' } }],
    [
      'a paused guest cannot hear: its power is taken gracefully',
      { run: 'paused' },
      undefined,
      NOW,
      { step: { do: 'power-off', how: 'graceful' } },
    ],
    ['then waits', {}, asked(1), NOW + policy.shutdownRepeatMs - 1, { waitUntilUnixMs: NOW + policy.shutdownRepeatMs }],
    [
      'then asks the agent',
      {},
      asked(1),
      NOW + policy.shutdownRepeatMs,
      { step: { do: 'request-shutdown', mode: 'agent' } },
    ],
    [
      'or the button again where no agent is',
      { agentConnected: false },
      asked(1),
      NOW + policy.shutdownRepeatMs,
      { step: { do: 'request-shutdown', mode: 'acpi' } },
    ],
    [
      'then the button again',
      {},
      asked(2),
      NOW + policy.shutdownRepeatMs,
      { step: { do: 'request-shutdown', mode: 'acpi' } },
    ],
    [
      'until its patience ends',
      {},
      asked(9, NOW - policy.shutdownPatienceMs),
      NOW,
      { step: { do: 'power-off', how: 'graceful' } },
    ],
    [
      'waits for qemu to end',
      {},
      begun({ requests: 9, powerOffs: 1, lastPowerOffUnixMs: NOW }),
      NOW + policy.powerOffPatienceMs - 1,
      { waitUntilUnixMs: NOW + policy.powerOffPatienceMs },
    ],
    [
      'and takes the power by force',
      {},
      begun({ requests: 9, powerOffs: 1, lastPowerOffUnixMs: NOW }),
      NOW + policy.powerOffPatienceMs,
      { step: { do: 'power-off', how: 'forced' } },
    ],
  ])('%s', (_title, change, suspending, now, wanted) => {
    expect(nextMove({ ...domain, ...change }, suspending, policy, now)).toMatchObject(wanted);
  });

  it('saves first where the policy says so, and falls back to a shutdown when that failed (D24)', () => {
    const saving = { ...policy, suspendMode: 'save' as const };
    expect(nextMove(domain, undefined, saving, NOW)).toMatchObject({ step: { do: 'save' } });
    expect(nextMove(domain, begun({ saveFailed: true }), saving, NOW)).toMatchObject({
      step: { do: 'request-shutdown' },
    });
    expect(nextMove({ ...domain, run: 'paused' }, begun({ saveFailed: true }), saving, NOW)).toMatchObject({
      step: { do: 'power-off' },
    });
  });

  it('always moves on or says until when it waits, and that is never past', () => {
    const times = fc.integer({ min: NOW - 10 * MINUTE, max: NOW });
    fc.assert(
      fc.property(
        fc.record({
          sinceUnixMs: times,
          requests: fc.nat(20),
          lastRequestUnixMs: times,
          powerOffs: fc.nat(3),
          lastPowerOffUnixMs: times,
          saveFailed: fc.boolean(),
        }),
        (suspending) => {
          const move = nextMove(domain, suspending, policy, NOW);
          expect('step' in move || move.waitUntilUnixMs > NOW).toBe(true);
        },
      ),
    );
  });
});

describe('why a machine is off (D16)', () => {
  it.each<[string, Partial<MachineMemory>, Partial<DomainState>, string]>([
    [
      'what was noted stays',
      { run: { on: false, cause: 'owner', atUnixMs: NOW, bootId: 'a' } },
      { reason: 'crashed' },
      'owner',
    ],
    [
      'in the middle of a suspension it was us',
      {
        suspending: {
          sinceUnixMs: 1,
          requests: 1,
          lastRequestUnixMs: 1,
          powerOffs: 0,
          lastPowerOffUnixMs: 0,
          saveFailed: false,
        },
      },
      { reason: 'shutdown' },
      'expiry',
    ],
    ['libvirt calls it crashed', {}, { run: 'crashed', reason: 'other' }, 'crash'],
    ['qemu failed', {}, { reason: 'failed' }, 'crash'],
    ['qemu crashed', {}, { reason: 'crashed' }, 'crash'],
    ['shut down from inside', {}, { reason: 'shutdown' }, 'owner'],
    ['destroyed by hand', {}, { reason: 'destroyed' }, 'admin'],
    ['saved by hand', {}, { reason: 'saved' }, 'admin'],
    ['libvirt forgot, and it was on: the host (L6)', {}, { reason: 'unknown' }, 'host'],
    ['libvirt’s daemon went, and it was on', {}, { reason: 'daemon' }, 'host'],
    ['never seen on: its operator’s', { run: undefined }, { reason: 'unknown' }, 'admin'],
  ])('%s', (_title, change, state, cause) => {
    expect(stopCauseOf({ ...memory, ...change }, { ...off, ...state })).toBe(cause);
  });
});
