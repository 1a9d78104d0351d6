import type { Address } from '../../domain/identity.ts';
import type { RawLog } from './rpc-schema.ts';

/** One read-only call of a contract. */
export interface ContractCall {
  readonly to: Address;
  readonly data: `0x${string}`;
}

/** What one call of a batch came to; `reverted` is an answer of the contract, not a fault of the node. */
export type CallResult =
  | { readonly ok: true; readonly data: `0x${string}` }
  | { readonly ok: false; readonly why: string };

/** What was learnt; `absent` means that the contract answered and has no such id, which is unknown and never over (D9). */
export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string; readonly absent?: true };

/** A question to contracts at one block: its calls, and how their results become one answer. `key` names it. */
export interface Question<T> {
  readonly key: string;
  readonly calls: readonly ContractCall[];
  /** Throws for results that the ABI cannot read. */
  answer(results: readonly CallResult[]): Answer<T>;
}

/** An entitlement as every kind of contract gives it, before a block is put to it. */
export interface EntitlementReading {
  readonly id: bigint;
  readonly owner: Address;
  readonly expiresAtUnix: bigint;
  readonly cancelled: boolean;
}

/** Which id a log touches, in words for people. */
export interface Touch {
  readonly id: bigint;
  readonly what: string;
}

/** How the ids of a contract can be listed: how many there are, then the id at each place (D13). */
export interface IdListing {
  readonly count: Question<bigint>;
  readonly idAt: (index: bigint) => bigint | Question<bigint>;
}

/** Where one kind of contract keeps an expiry (D11): its events, its reads. */
export interface ContractAdapter {
  /** Topics of the events that touch an id. */
  readonly topics: readonly `0x${string}`[];
  /** The id that a log with one of those topics touches. Throws when the log does not decode (C3). */
  touch(log: RawLog): Touch;
  entitlement(contract: Address, id: bigint): Question<EntitlementReading>;
  listing(contract: Address): IdListing;
  /** The number that never shrinks (C8), where the contract has one. */
  nextId?(contract: Address): Question<bigint>;
}

/** An expiry far enough to mean "never" and still a date that every format can write: the end of the year 9999. */
export const NEVER_EXPIRES_UNIX = 253_402_300_799n;

export const ZERO_ADDRESS: Address = '0x0000000000000000000000000000000000000000';

export const lowerCase = (address: string): Address => address.toLowerCase() as Address;

/** The first result that is not there, as an answer; undefined when all are. */
export const firstFailure = (results: readonly CallResult[], wanted: number): Answer<never> | undefined => {
  if (results.length !== wanted) return { ok: false, why: `${results.length} of ${wanted} results came` };
  for (const result of results) if (!result.ok) return { ok: false, why: result.why };
  return undefined;
};

/** The bytes of one result; only after `firstFailure` found none. */
export const dataOf = (results: readonly CallResult[], index: number): `0x${string}` => {
  const result = results[index];
  return result?.ok ? result.data : '0x';
};
