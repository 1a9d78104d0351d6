import type { DomainState } from '../../src/domain/domain-state.ts';
import type { EntitlementView, FinalityLevel } from '../../src/domain/entitlement.ts';
import { known, unknown } from '../../src/domain/fact.ts';
import type { MachineMemory } from '../../src/domain/journal/memory.ts';
import type { Observation } from '../../src/domain/observation.ts';
import { DEFAULT_POLICY } from '../../src/domain/policy.ts';
import type { VmRecord } from '../../src/domain/record.ts';
import {
  EXAMPLE_UUID,
  exampleDomain,
  exampleMemory,
  exampleObservation,
  exampleView,
  NOW_MS,
} from './example-observation.ts';

/*
 * The example as a machine that may be harmed in every way: off, suspended for a month, over at every level, and two
 * endpoints say so. Each table takes one thing from it.
 */

export const NOW = NOW_MS;
export const UNIX = BigInt(NOW / 1000);
export const UUID = EXAMPLE_UUID;
export const OWNER = `0x${'a1'.repeat(20)}` as const;
export const BUYER = `0x${'b2'.repeat(20)}` as const;
export const MINUTE = 60_000;
const MONTH_S = 30 * 24 * 3600;
export const policy = DEFAULT_POLICY;
export const ref = { chainId: 1, contract: OWNER, subscriptionId: 7n };

export const domain: DomainState = {
  ...exampleDomain,
  metadata: { schema: 1, uuid: UUID, subscription: ref },
  disks: ['/vms/a'],
};
export const off: DomainState = { ...domain, run: 'off', reason: 'unknown' };
export const memory: MachineMemory = {
  ...exampleMemory,
  details: { ...exampleMemory.details, ipAddress: '192.0.2.7', nftTokenId: 7n, nftMinted: true },
  run: { on: true, atUnixMs: NOW, bootId: 'a' },
};
export const record: VmRecord = {
  name: 'blockhost-007',
  status: 'active',
  ipAddress: '192.0.2.7',
  ipv6Address: '',
  owner: OWNER,
  username: 'customer',
  expiresAtUnix: UNIX + 100n,
  nftTokenId: 7n,
  nftMinted: true,
};

/** One subscription at every level; `lag` is how far the block times are behind the wall clock, in seconds. */
export const view = (
  expiresIn: Partial<Record<FinalityLevel, number>> & { readonly all?: number } = {},
  lag = 5,
): EntitlementView => {
  const at = (level: FinalityLevel) => ({ expiresIn: expiresIn[level] ?? expiresIn.all ?? -3600, lag });
  const said = {
    expiresAtUnix: UNIX + BigInt(at('finalized').expiresIn),
    cancelled: false,
    blockNumber: 100n,
    blockHash: '0x64',
    readAtUnixMs: NOW,
  };
  return exampleView(
    { head: at('head'), safe: at('safe'), finalized: at('finalized') },
    {
      witnesses: [
        { endpoint: 'rpc#1', ...said },
        { endpoint: 'rpc#2', ...said },
      ],
      endpointsConfigured: 2,
    },
  );
};

const suspended: MachineMemory = { ...memory, suspendedAtUnixMs: NOW - MONTH_S * 1000 };

export const observation = (change: Partial<Observation> = {}): Observation =>
  exampleObservation(view({ all: -MONTH_S }), {
    bootId: 'a',
    memory: suspended,
    domain: known(off),
    record: known(record),
    ...change,
  });
export const chain = (...of: Parameters<typeof view>): Partial<Observation> => ({
  chain: { kind: 'view', view: view(...of) },
});
export const withView = (change: Partial<EntitlementView>): Partial<Observation> => ({
  chain: { kind: 'view', view: { ...view({ all: -MONTH_S }), ...change } },
});
export const withMemory = (change: Partial<MachineMemory>): Partial<Observation> => ({
  memory: { ...suspended, ...change },
});
export const why = unknown('no endpoint answers', NOW - MINUTE);
export const word = { reason: 'r', by: 'op', sinceUnixMs: NOW };
