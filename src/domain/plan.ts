import type { WitnessRead } from './entitlement.ts';
import type { Address } from './identity.ts';
import type { Basis } from './journal/event.ts';
import type { HarmKind, Limits, MachineDetails, OwnMachineClass, StopCause } from './journal/memory.ts';
import type { RecordPatch } from './record.ts';
import type { ShutdownMode } from './shutdown-mode.ts';

/**
 * Everything that can be done to a machine, each short, each safe to do twice. The executors are a mapped type over
 * this, so that a new step does not compile until somebody performs it.
 */
export interface StepArguments {
  /** Boot, or wake from a saved image; `dropSaved` boots afresh, `linkDown` keeps the network out (D25). */
  readonly start: { readonly dropSaved: boolean; readonly linkDown: boolean };
  readonly 'request-shutdown': { readonly mode: ShutdownMode };
  readonly save: object;
  /** Let a guest go on that a failed save left paused. */
  readonly resume: object;
  readonly 'power-off': { readonly how: 'graceful' | 'forced' };
  /** Take the machine apart into quarantine (D21). */
  readonly destroy: object;
  /** Put it together again out of quarantine, or out of a destroy that had only begun. */
  readonly restore: object;
  /** Delete what quarantine kept. */
  readonly purge: object;
  /** Take back a create that was broken off before anybody was told of the machine. */
  readonly 'undo-create': object;
  /** Carry out an explicit destroy, from wherever it stands, and keep nothing (D14). */
  readonly 'destroy-for-good': object;
  /** Let GECOS name the credential's owner (D25). */
  readonly 'set-login': { readonly owner: Address; readonly tokenId: bigint; readonly username: string };
  readonly 'link-up': object;
  /** See whether the guest has taken the addresses that it came back at (D21). */
  readonly 'check-address': object;
  /** Set the wanted limits of a running machine. */
  readonly limit: { readonly limits: Limits };
}

export type StepName = keyof StepArguments;
export type Step = { [Name in StepName]: { readonly do: Name } & StepArguments[Name] }[StepName];

/** Which steps are harm, and of which kind; kindness has no entry. */
export const HARM_OF: Readonly<Partial<Record<StepName, HarmKind>>> = {
  'request-shutdown': 'suspend',
  save: 'suspend',
  'power-off': 'suspend',
  destroy: 'destroy',
  purge: 'destroy',
};

/** Upkeep: bringing journal, record and metadata in line with what was observed. Never touches the guest. */
export type Chore =
  | {
      readonly chore: 'adopt';
      readonly machineClass: OwnMachineClass;
      readonly details: MachineDetails;
      readonly how: string;
    }
  | { readonly chore: 'note-details'; readonly details: MachineDetails }
  | { readonly chore: 'note-running' }
  | { readonly chore: 'note-off'; readonly cause: StopCause }
  | { readonly chore: 'note-expiry'; readonly expiresAtUnix: bigint }
  | { readonly chore: 'note-witness'; readonly read: WitnessRead }
  | { readonly chore: 'note-new-owner' }
  | { readonly chore: 'note-owner-settled' }
  | { readonly chore: 'note-grant'; readonly untilUnix: bigint }
  | { readonly chore: 'note-suspended'; readonly atUnixMs: number }
  | { readonly chore: 'note-suspension-over'; readonly why: string }
  | { readonly chore: 'trip-breaker'; readonly harm: HarmKind; readonly reason: string }
  | { readonly chore: 'write-metadata' }
  | { readonly chore: 'patch-record'; readonly patch: RecordPatch }
  | { readonly chore: 'restore-record'; readonly status: 'active' | 'suspended'; readonly expiresAtUnix: bigint }
  | { readonly chore: 'claim-addresses' };

/** Something an operator should hear of; told once per text until it changes. */
export interface Report {
  readonly level: 'info' | 'warn' | 'error';
  readonly what: string;
}

/** What is to be done with one machine now: at most one step, upkeep, and when to look again. */
export interface Plan {
  /** Name of the row of the decision table that fired. */
  readonly row: string;
  readonly because: string;
  readonly step?: Step;
  readonly chores: readonly Chore[];
  readonly report?: Report;
  readonly lookAgainAtUnixMs?: number;
  readonly basis: Basis;
}
