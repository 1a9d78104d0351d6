import { describe, expect, it } from 'vitest';
import { type DomainState, isOn, type RunState } from '../../../src/domain/domain-state.ts';
import { subscriptionKey } from '../../../src/domain/identity.ts';
import type { MachineMemory } from '../../../src/domain/journal/memory.ts';
import { stopCauseOf } from '../../../src/domain/stop-cause.ts';
import { exampleDomain, exampleMemory, NOW_MS } from '../../support/example-observation.ts';

/* What counts as on, and why a machine is off. */

it.each<[RunState, boolean]>([
  ['running', true],
  ['blocked', true],
  ['paused', true],
  ['shutting-down', true],
  ['pmsuspended', true],
  ['no-state', true],
  ['off', false],
  ['crashed', false],
])('a guest that libvirt calls %s is powered: %s', (run, on) => expect(isOn({ ...exampleDomain, run })).toBe(on));

describe('the cause of a stop (D16)', () => {
  const run = { atUnixMs: NOW_MS - 1000, bootId: 'boot' };
  it.each<[string, Partial<MachineMemory>, Partial<DomainState>, string]>([
    ['is the expiry for a machine that is suspended', { suspendedAtUnixMs: 5 }, { reason: 'shutdown' }, 'expiry'],
    ['is an operator who went back to a snapshot', { run: { ...run, on: true } }, { reason: 'snapshot' }, 'admin'],
    ['is not the host’s where it was last seen off, its cause unnoted', { run: { ...run, on: false } }, {}, 'admin'],
    [
      'is what libvirt says where it was last seen off, its cause unnoted',
      { run: { ...run, on: false } },
      { reason: 'shutdown' },
      'owner',
    ],
    [
      'is looked for anew once it was seen on again',
      { run: { ...run, on: true, cause: 'owner' } },
      { reason: 'failed' },
      'crash',
    ],
    ['is a crash for a machine that nobody has seen before', {}, { run: 'crashed', reason: 'unknown' }, 'crash'],
    ['is its operator for a machine that nobody has seen before, where libvirt has no word', {}, {}, 'admin'],
  ])('%s', (_title, memory, domain, cause) => {
    expect(
      stopCauseOf({ ...exampleMemory, ...memory }, { ...exampleDomain, run: 'off', reason: 'unknown', ...domain }),
    ).toBe(cause);
  });
});

it('two subscriptions have one key only where chain, contract and number are the same (D8)', () => {
  const ref = { chainId: 1, contract: `0x${'a1'.repeat(20)}`, subscriptionId: 23n } as const;
  expect(subscriptionKey({ ...ref })).toBe(subscriptionKey(ref));
  const others = [
    { ...ref, chainId: 12 },
    { ...ref, contract: `0x${'b2'.repeat(20)}` as const },
    { ...ref, subscriptionId: 3n },
    { ...ref, chainId: 12, subscriptionId: 3n },
  ];
  expect(new Set([ref, ...others].map(subscriptionKey)).size).toBe(5);
});
