import { describe, expect, it } from 'vitest';
import type { DomainState } from '../../../src/domain/domain-state.ts';
import { type Move, nextMove } from '../../../src/domain/escalation.ts';
import type { Suspending } from '../../../src/domain/journal/memory.ts';
import { DEFAULT_POLICY, type Policy } from '../../../src/domain/policy.ts';
import { exampleDomain, NOW_MS } from '../../support/example-observation.ts';

/* A suspension from its first request to its end, as one guest after the other lives through it (D24). */

const policy: Policy = {
  ...DEFAULT_POLICY,
  shutdownRepeatMs: 10_000,
  shutdownPatienceMs: 35_000,
  powerOffPatienceMs: 20_000,
};
const saving: Policy = { ...policy, suspendMode: 'save' };
const untouched: Suspending = {
  sinceUnixMs: NOW_MS,
  requests: 0,
  lastRequestUnixMs: 0,
  powerOffs: 0,
  lastPowerOffUnixMs: 0,
  saveFailed: false,
};
const paused: DomainState = { ...exampleDomain, run: 'paused', reason: 'user' };

const named = (move: Move): string => {
  if (!('step' in move)) return `wait until ${(move.waitUntilUnixMs - NOW_MS) / 1000}`;
  if (move.step.do === 'request-shutdown') return `ask by ${move.step.mode}`;
  return move.step.do === 'power-off' ? `power off, ${move.step.how}` : move.step.do;
};

/** What the journal remembers once a step was done at that moment. */
const after = (suspending: Suspending, move: Move, nowUnixMs: number): Suspending => {
  if (!('step' in move)) return suspending;
  if (move.step.do === 'request-shutdown')
    return { ...suspending, requests: suspending.requests + 1, lastRequestUnixMs: nowUnixMs };
  if (move.step.do === 'power-off')
    return { ...suspending, powerOffs: suspending.powerOffs + 1, lastPowerOffUnixMs: nowUnixMs };
  return { ...suspending, saveFailed: true };
};

/** Looks whenever there is something to do or a wait ends, as the daemon does, and notes second, move and reason. */
const lived = (domain: DomainState, looks: number, by = policy): readonly (readonly [number, string, string])[] => {
  const story: [number, string, string][] = [];
  let suspending: Suspending | undefined;
  let nowUnixMs = NOW_MS;
  for (let look = 0; look < looks; look += 1) {
    const move = nextMove(domain, suspending, by, nowUnixMs);
    story.push([(nowUnixMs - NOW_MS) / 1000, named(move), move.because]);
    suspending = after(suspending ?? untouched, move, nowUnixMs);
    if ('waitUntilUnixMs' in move) nowUnixMs = move.waitUntilUnixMs;
  }
  return story;
};

describe('a guest that does not answer', () => {
  it('is asked by button and agent in turn, then loses its power gracefully, then by force', () => {
    expect(lived(exampleDomain, 11)).toEqual([
      [0, 'ask by acpi', 'first request'],
      [0, 'wait until 10', 'the guest was asked to shut down'],
      [10, 'ask by agent', 'request 2'],
      [10, 'wait until 20', 'the guest was asked to shut down'],
      [20, 'ask by acpi', 'request 3'],
      [20, 'wait until 30', 'the guest was asked to shut down'],
      [30, 'ask by agent', 'request 4'],
      [30, 'wait until 35', 'the guest was asked to shut down'],
      [35, 'power off, graceful', 'no answer to 4 requests'],
      [35, 'wait until 55', 'its power was taken'],
      [55, 'power off, forced', 'qemu did not end gracefully'],
    ]);
  });

  it('is asked until the last moment of its patience', () => {
    const asked = { ...untouched, requests: 1, lastRequestUnixMs: NOW_MS };
    expect(named(nextMove(exampleDomain, asked, policy, NOW_MS + 34_999))).toBe('ask by agent');
    expect(named(nextMove(exampleDomain, asked, policy, NOW_MS + 35_000))).toBe('power off, graceful');
  });
});

describe('a paused guest', () => {
  it('is not asked, for it cannot hear, and its power is waited for like any other’s', () => {
    expect(lived(paused, 3)).toEqual([
      [0, 'power off, graceful', 'a paused guest cannot hear a request'],
      [0, 'wait until 20', 'its power was taken'],
      [20, 'power off, forced', 'qemu did not end gracefully'],
    ]);
  });

  it('is treated the same where its suspension was noted and nothing was done yet', () => {
    expect(named(nextMove(paused, untouched, policy, NOW_MS))).toBe('power off, graceful');
  });
});

describe('a guest that the policy saves (D24)', () => {
  it('is saved first, paused or not, and only asked where saving failed', () => {
    expect(lived(exampleDomain, 3, saving)).toEqual([
      [0, 'save', 'suspend_mode is save'],
      [0, 'ask by acpi', 'first request'],
      [0, 'wait until 10', 'the guest was asked to shut down'],
    ]);
    expect(named(nextMove(paused, undefined, saving, NOW_MS))).toBe('save');
  });

  it('is saved where its suspension was noted and nothing was done yet', () => {
    expect(named(nextMove(exampleDomain, untouched, saving, NOW_MS))).toBe('save');
  });

  it('is not saved while it is going down already, asked under a policy of before', () => {
    const asked = { ...untouched, requests: 1, lastRequestUnixMs: NOW_MS };
    expect(named(nextMove(exampleDomain, asked, saving, NOW_MS))).toBe('wait until 10');
  });

  it('is not saved while its qemu is ending, its power taken under a policy of before', () => {
    const taken = { ...untouched, powerOffs: 1, lastPowerOffUnixMs: NOW_MS };
    expect(named(nextMove(paused, taken, saving, NOW_MS))).toBe('wait until 20');
  });
});

it('asks for force ever more rarely where libvirt goes on refusing it, and at least every five minutes (L8)', () => {
  const next = (powerOffs: number) => {
    const move = nextMove(exampleDomain, { ...untouched, powerOffs, lastPowerOffUnixMs: NOW_MS }, policy, NOW_MS);
    return 'waitUntilUnixMs' in move ? move.waitUntilUnixMs - NOW_MS : 0;
  };
  expect([1, 2, 3, 4, 5, 6, 1000].map(next)).toEqual([20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000]);
});

it('a guest that was asked once and lost its power once is not asked from the start again', () => {
  const both = { ...untouched, requests: 1, lastRequestUnixMs: NOW_MS, powerOffs: 1, lastPowerOffUnixMs: NOW_MS };
  expect(named(nextMove(exampleDomain, both, policy, NOW_MS + 1000))).toBe('wait until 20');
});

describe('a guest that a save has paused', () => {
  const paused = (reason: 'saving' | 'save-ended', sinceMs: number): DomainState => ({
    ...exampleDomain,
    run: 'paused',
    reason,
    sinceUnixMs: NOW_MS + sinceMs,
  });
  const move = (domain: DomainState, by = saving) => {
    const next = nextMove(domain, untouched, by, NOW_MS);
    return [named(next), next.because];
  };

  it('is waited for while libvirt saves it: its power is not taken from under a save that may succeed', () => {
    expect(move(paused('saving', 0))).toEqual(['wait until 10', 'libvirt is saving it']);
    expect(move(paused('saving', -30_000))).toEqual(['wait until 5', 'libvirt is saving it']);
    expect(move(paused('saving', -34_999))).toEqual(['wait until 0.001', 'libvirt is saving it']);
  });

  it('is let go on where the save was given up, so that it can hear the next request', () => {
    expect(move(paused('save-ended', 0))).toEqual(['resume', 'the save failed and left it paused']);
    expect(move(paused('save-ended', -34_999))).toEqual(['resume', 'the save failed and left it paused']);
  });

  it('is treated like any other paused guest once its patience is over', () => {
    for (const reason of ['saving', 'save-ended'] as const) {
      const failed = { ...untouched, saveFailed: true };
      const next = nextMove(paused(reason, -35_000), failed, saving, NOW_MS);
      expect(named(next)).toBe('power off, graceful');
    }
  });

  it('has nothing to do with one that runs, or that somebody paused by hand', () => {
    expect(move({ ...paused('saving', 0), run: 'running' }, policy)).toEqual(['ask by acpi', 'first request']);
    expect(move({ ...paused('saving', 0), reason: 'user' }, policy)).toEqual([
      'power off, graceful',
      'a paused guest cannot hear a request',
    ]);
  });
});
