import type { RecordPatch, VmRecord } from '../domain/record.ts';

/** What a lost record is rebuilt from (journal and domain metadata). */
export interface RecordSeed {
  readonly name: string;
  readonly ipAddress: string;
  readonly ipv6Address: string;
  readonly owner: string;
  readonly username: string;
  readonly expiresAtUnix: bigint;
  readonly createdAtUnix: bigint;
  readonly status: 'active' | 'suspended' | 'destroyed';
  readonly nftTokenId?: bigint;
  readonly nftMinted?: boolean;
  readonly suspendedAtUnix?: bigint;
}

/** A new machine's first entry. */
export interface Registration extends RecordSeed {
  readonly status: 'active';
  readonly nftTokenId: bigint;
}

/** What tells one create's entry from any other: only what bears all of it is taken back. */
export type RegistrationMark = Pick<
  Registration,
  'name' | 'ipAddress' | 'ipv6Address' | 'createdAtUnix' | 'nftTokenId'
>;

/** The shared `vms.json`. Reads and writes take both generations' locks; a reader that meets a torn file tries again for 2 s. */
export interface Records {
  /** Throws `RecordsError` (retryable) where the file cannot be read; a missing file is an empty list. */
  list(): Promise<readonly VmRecord[]>;
  read(name: string): Promise<VmRecord | undefined>;
  /** Changes one record and keeps all else; returns false (and writes nothing) when nothing differs or no such record is. */
  patch(name: string, patch: RecordPatch): Promise<boolean>;
  /** Puts a lost record and its addresses back; leaves an existing live record alone, and returns whether it wrote. */
  restore(seed: RecordSeed): Promise<boolean>;
  /** Makes sure that a machine's addresses are in the allocation lists; returns whether it wrote. */
  claimAddresses(ipv4: string, ipv6: string): Promise<boolean>;
  /** Takes addresses out of the allocation lists (the machine is destroyed); returns whether it wrote. */
  releaseAddresses(ipv4: string, ipv6: string): Promise<boolean>;
  /**
   * Enters a new machine in one write: its record, its addresses and the reservation of its token. Throws `RecordsError`
   * and writes nothing where a live record has the name, or somebody has an address or the token already. A destroyed
   * machine's record is written over.
   */
  register(registration: Registration): Promise<void>;
  /** Takes back exactly what `register` entered, as far as it is still there; returns whether it wrote. */
  unregister(mark: RegistrationMark): Promise<boolean>;
  /** Notes in record and reservation that the token was minted; it may be another one than was reserved. Unix seconds. */
  noteMinted(name: string, reserved: bigint, minted: bigint, atUnix: bigint): Promise<boolean>;
  /** Token ids in `reserved_nft_tokens`, whatever their status, with the machine that each is for. */
  reservations(): Promise<ReadonlyMap<bigint, string>>;
  /** The addresses in the lists now. */
  allocated(): Promise<{ readonly ipv4: readonly string[]; readonly ipv6: readonly string[] }>;
}
