import type { Address } from './identity.ts';

export type RecordStatus = 'active' | 'suspended' | 'destroyed';

/**
 * One machine in `vms.json` as the rest of the program sees it (interop of the shared database): times as unix seconds,
 * the keys that we do not know kept aside by the driver.
 */
export interface VmRecord {
  readonly name: string;
  readonly status: RecordStatus;
  readonly ipAddress: string;
  readonly ipv6Address: string;
  readonly owner: string;
  readonly ownerWallet?: string;
  readonly username: string;
  readonly expiresAtUnix?: bigint;
  readonly suspendedAtUnix?: bigint;
  readonly destroyedAtUnix?: bigint;
  readonly createdAtUnix?: bigint;
  readonly nftTokenId?: bigint;
  /** True only where the record says that the token was minted for this machine (D25). */
  readonly nftMinted: boolean;
  /** False only where another program says that the guest does not name `ownerWallet` yet. */
  readonly gecosSynced?: boolean;
}

/** What is to be changed in a record; absent keys stay as they are, `null` removes the key. */
export interface RecordPatch {
  readonly status?: RecordStatus;
  readonly expiresAtUnix?: bigint;
  readonly suspendedAtUnix?: bigint | null;
  readonly destroyedAtUnix?: bigint | null;
  readonly ipAddress?: string;
  readonly ipv6Address?: string;
  readonly owner?: Address;
  readonly gecosSynced?: boolean;
}
