import type { DomainState } from './domain-state.ts';
import type { EntitlementView, LoginView } from './entitlement.ts';
import type { Fact } from './fact.ts';
import type { SubscriptionRef, Uuid } from './identity.ts';
import type { HarmKind, MachineMemory } from './journal/memory.ts';
import type { VmRecord } from './record.ts';

/**
 * What the chain says of a machine: nothing because none is configured (a known fact, D12), a view, or nothing to ask
 * about because the machine is not bound.
 */
export type ChainFacts =
  | { readonly kind: 'not-configured' }
  | { readonly kind: 'not-bound' }
  | { readonly kind: 'view'; readonly view: EntitlementView };

/** A binding that could be made: the machine's name fits a configured contract (D9). */
export interface BindingCandidate {
  readonly ref: SubscriptionRef;
  readonly view: EntitlementView;
}

/** Everything that a decision may use, gathered at one moment. No decision looks at anything else (L1). */
export interface Observation {
  readonly nowUnixMs: number;
  readonly uuid: Uuid;
  readonly name: string;
  readonly bootId: string;
  readonly memory: MachineMemory | undefined;
  readonly domain: Fact<DomainState | 'absent'>;
  readonly record: Fact<VmRecord | undefined>;
  /** Are the machine's addresses in the shared allocation lists? */
  readonly addressesListed: Fact<boolean>;
  /** Another living machine bears this name: the record is its own. */
  readonly nameTaken: boolean;
  /** The subscription that the domain's metadata, or its name, points to belongs to another machine already (D9). */
  readonly subscriptionTaken: boolean;
  /** One of the domain's files lies where only those of a machine of this name do. */
  readonly filesFit: boolean;
  /** Does a process work on the create of this machine now? Asked only of a machine whose create is not committed. */
  readonly createRuns: Fact<boolean>;
  /** Since when there has been no such domain, where there is none. */
  readonly absentSinceUnixMs: number | undefined;
  readonly chain: ChainFacts;
  readonly candidate: BindingCandidate | undefined;
  readonly login: LoginView | undefined;
  /** What the boot gate still waits for; empty when it is open (L6). */
  readonly gateWaitsFor: readonly string[];
  /** The wall clock jumped by this much and is not vouched for (C9). */
  readonly clockDoubt: { readonly byMs: number; readonly atUnixMs: number } | undefined;
  /** Why the breaker stops this kind of harm now; absent where it does not (L10). */
  readonly breaker: Readonly<Partial<Record<HarmKind, string>>>;
  /** What one more harmful decision of this kind would trip the breaker with. */
  readonly breakerWouldTrip: Readonly<Partial<Record<HarmKind, string>>>;
}
