import type { DomainState } from '../../src/domain/domain-state.ts';
import type { EntitlementView, FinalityLevel } from '../../src/domain/entitlement.ts';
import { known } from '../../src/domain/fact.ts';
import type { MachineMemory } from '../../src/domain/journal/memory.ts';
import type { Observation } from '../../src/domain/observation.ts';

/** One plain machine to vary: bound, running, in every respect in order. Times are given in seconds from now. */
export const NOW_MS = 1_800_000_000_000;
const NOW_UNIX = BigInt(NOW_MS / 1000);
export const EXAMPLE_UUID = '00000000-0000-4000-8000-000000000007';
const OWNER = `0x${'a1'.repeat(20)}` as const;
const SUBSCRIPTION = { chainId: 1, contract: OWNER, subscriptionId: 7n };

export const exampleDomain: DomainState = {
  uuid: EXAMPLE_UUID,
  name: 'blockhost-007',
  run: 'running',
  reason: 'booted',
  persistent: true,
  hasSavedImage: false,
  agentConnected: true,
  sinceUnixMs: NOW_MS - 3_600_000,
  disks: [],
  seeds: [],
  interfaces: [],
};

export const exampleMemory: MachineMemory = {
  uuid: EXAMPLE_UUID,
  name: 'blockhost-007',
  machineClass: { kind: 'bound', subscription: SUBSCRIPTION },
  details: {
    ipAddress: '',
    ipv6Address: '',
    owner: OWNER,
    username: 'customer',
    createdAtUnix: 1n,
    nftMinted: false,
    disks: [],
    seeds: [],
  },
  phase: 'present',
  witnesses: [],
  failures: {},
};

export interface Level {
  /** Seconds from now. */
  readonly expiresIn: number;
  /** Seconds by which the block's time is behind the wall clock. */
  readonly lag: number;
}

/** A view of a chain with one endpoint, unless said otherwise. */
export const exampleView = (
  levels: Readonly<Record<FinalityLevel, Level>>,
  change: Partial<EntitlementView> = {},
): EntitlementView => {
  const at = ({ expiresIn, lag }: Level) =>
    known({
      id: 7n,
      owner: OWNER,
      expiresAtUnix: NOW_UNIX + BigInt(expiresIn),
      cancelled: false,
      atBlock: { number: 100n, hash: '0x64', timestampUnix: NOW_UNIX - BigInt(lag) },
    });
  return {
    head: at(levels.head),
    safe: at(levels.safe),
    finalized: at(levels.finalized),
    witnesses: [],
    endpointsConfigured: 1,
    readAtUnixMs: NOW_MS,
    ...change,
  };
};

/** The same level thrice. */
export const quiet = (level: Level): Readonly<Record<FinalityLevel, Level>> => ({
  head: level,
  safe: level,
  finalized: level,
});

export const exampleObservation = (view: EntitlementView, change: Partial<Observation> = {}): Observation => ({
  nowUnixMs: NOW_MS,
  uuid: EXAMPLE_UUID,
  name: 'blockhost-007',
  bootId: 'boot',
  memory: exampleMemory,
  domain: known(exampleDomain),
  record: known(undefined),
  addressesListed: known(true),
  createRuns: known(false),
  nameTaken: false,
  subscriptionTaken: false,
  filesFit: true,
  absentSinceUnixMs: undefined,
  chain: { kind: 'view', view },
  candidate: undefined,
  login: undefined,
  gateWaitsFor: [],
  clockDoubt: undefined,
  breaker: {},
  breakerWouldTrip: {},
  ...change,
});
