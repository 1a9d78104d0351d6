import * as z from 'zod';
import type { Address } from '../identity.ts';

/*
 * What the journal remembers. Everything that can be observed again is observed, not remembered; what stands here
 * either happened (and cannot be seen any more) or may get lost in the shared records.
 */

export const addressSchema = z.custom<Address>((value) => typeof value === 'string' && /^0x[0-9a-f]{40}$/.test(value));
/** Whole and exact: what an event may carry must fit the state that a compaction leaves. */
export const unixMs = z.number().int().nonnegative();

export const subscriptionRefSchema = z.object({
  chainId: z.number().int().positive(),
  contract: addressSchema,
  subscriptionId: z.bigint().positive(),
});

export const machineClassSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('bound'), subscription: subscriptionRefSchema }),
  z.object({ kind: z.literal('record-only') }),
]);

/** What the shared records may lose: enough to write a machine's record anew. */
export const machineDetailsSchema = z.object({
  ipAddress: z.string(),
  ipv6Address: z.string(),
  owner: z.string(),
  username: z.string(),
  createdAtUnix: z.bigint(),
  nftTokenId: z.bigint().optional(),
  nftMinted: z.boolean(),
  disks: z.array(z.string()),
  seeds: z.array(z.string()),
  /** Digest of the base image that its disk is an overlay of, as `sha256:<hex>`; absent where we did not make the disk. */
  base: z.string().optional(),
});
export type MachineDetails = z.infer<typeof machineDetailsSchema>;

/** Who or what stopped a machine (D16). `host` is a boot of the host, or a daemon of libvirt that forgot. */
export const stopCauseSchema = z.enum(['expiry', 'owner', 'admin', 'crash', 'host']);
export type OwnMachineClass = z.infer<typeof machineClassSchema>;
export type StopCause = z.infer<typeof stopCauseSchema>;

/** A suspension under way: how far the escalation has gone. */
export const suspendingSchema = z.object({
  sinceUnixMs: unixMs,
  requests: z.number().int(),
  lastRequestUnixMs: unixMs,
  powerOffs: z.number().int(),
  lastPowerOffUnixMs: unixMs,
  saveFailed: z.boolean(),
});
export type Suspending = z.infer<typeof suspendingSchema>;

export const witnessSchema = z.object({
  endpoint: z.string(),
  expiresAtUnix: z.bigint(),
  cancelled: z.boolean(),
  blockNumber: z.bigint(),
  blockHash: z.string(),
  readAtUnixMs: unixMs,
});

export const failureSchema = z.object({
  count: z.number().int(),
  lastUnixMs: unixMs,
  message: z.string(),
  curable: z.boolean(),
});

/** An operator's word with its reason; `untilUnixMs` absent means until it is taken back (protect only). */
export const wordSchema = z.object({
  reason: z.string(),
  by: z.string(),
  sinceUnixMs: unixMs,
  untilUnixMs: unixMs.optional(),
});

/** An explicit command that stays in force: who gave it and when (D14, D16). */
export const orderSchema = z.object({ by: z.string(), sinceUnixMs: unixMs });

/** Wanted limits of a machine; an absent one is unlimited. Quota: percent of its vCPUs; bandwidth: kbit/s. */
export const limitsSchema = z.object({
  cpuShares: z.number().int().positive().optional(),
  cpuQuotaPercent: z.number().int().positive().optional(),
  bandwidthInKbps: z.number().int().positive().optional(),
  bandwidthOutKbps: z.number().int().positive().optional(),
  readIops: z.number().int().positive().optional(),
  writeIops: z.number().int().positive().optional(),
});
export type Limits = z.infer<typeof limitsSchema>;

/** What was kept of a destroyed machine and where (D21). */
export const quarantineSchema = z.object({ sinceUnixMs: unixMs, untilUnixMs: unixMs });

/** The addresses that a machine had before it came back at others. */
const formerAddressesSchema = z.object({
  addresses: z.array(z.string()),
  /**
   * `chosen`: others are chosen, and its parts may still say the old ones; `told`: all but the guest has the new ones;
   * `left`: the guest was seen to bear them.
   */
  stage: z.enum(['chosen', 'told', 'left']),
});

export const machineMemorySchema = z.object({
  uuid: z.string(),
  name: z.string(),
  machineClass: machineClassSchema,
  details: machineDetailsSchema,
  /**
   * `creating`: a create has begun and is not committed; nobody was told of the machine yet. `destroying`: a destroy has
   * begun and not ended; the machine may be anywhere between its places.
   */
  phase: z.enum(['creating', 'present', 'destroying', 'quarantined', 'restoring', 'gone']),
  /** The last state that was believed: on, or off and why; with the host boot it was seen in (L6). */
  run: z
    .object({ on: z.boolean(), cause: stopCauseSchema.optional(), atUnixMs: unixMs, bootId: z.string() })
    .optional(),
  suspending: suspendingSchema.optional(),
  /** When the machine was really suspended for its expiry: grace counts from here (C10). */
  suspendedAtUnixMs: unixMs.optional(),
  lastExpiresAtUnix: z.bigint().optional(),
  grantUntilUnix: z.bigint().optional(),
  hold: wordSchema.optional(),
  protect: wordSchema.optional(),
  quarantine: quarantineSchema.optional(),
  /** It came back at other addresses (D21): a record with one of these is a stale copy. */
  formerAddresses: formerAddressesSchema.optional(),
  /** Stopped by a command: it stays off until one starts it (D16). */
  adminStop: orderSchema.optional(),
  /** Destroyed by a command, which is its own warrant: nothing but a word of an operator stops that (D14). */
  ordered: orderSchema.optional(),
  limits: limitsSchema.optional(),
  /** Whom the guest's GECOS names now, as far as we set it (D25). */
  loginOwner: addressSchema.optional(),
  /** Somebody began to set GECOS and was not seen to end: whom the guest names is unknown. */
  loginUnsure: z.literal(true).optional(),
  /** Since when the credential has had an owner whom GECOS does not name. */
  newOwnerSinceUnixMs: unixMs.optional(),
  /** The link was held down at start until GECOS is right (D25); since when. */
  linkDownSinceUnixMs: unixMs.optional(),
  witnesses: z.array(witnessSchema),
  failures: z.record(z.string(), failureSchema),
});
export type MachineMemory = z.infer<typeof machineMemorySchema>;

export const harmKindSchema = z.enum(['suspend', 'destroy']);
export type HarmKind = z.infer<typeof harmKindSchema>;

const cursorBlockSchema = z.object({ number: z.bigint(), hash: z.string(), parentHash: z.string() });
export const chainCursorSchema = z.object({
  chainId: z.number().int(),
  ring: z.array(cursorBlockSchema),
  finalized: cursorBlockSchema,
  nextIds: z.record(z.string(), z.string()),
});

export const journalStateSchema = z.object({
  machines: z.record(z.string(), machineMemorySchema),
  cursors: z.record(z.string(), chainCursorSchema),
  /** Harmful decisions of the recent past, for the breaker (L10). */
  harm: z.array(z.object({ kind: harmKindSchema, uuid: z.string(), atUnixMs: unixMs })),
  breaker: z.partialRecord(harmKindSchema, z.object({ atUnixMs: unixMs, reason: z.string() })),
  /** The wall clock jumped and nobody has vouched for it since (C9). */
  clockDoubt: z.object({ atUnixMs: unixMs, byMs: z.number() }).optional(),
  chainAckUnixMs: unixMs,
});
export type JournalState = z.infer<typeof journalStateSchema>;

export const EMPTY_JOURNAL: JournalState = {
  machines: {},
  cursors: {},
  harm: [],
  breaker: {},
  chainAckUnixMs: 0,
};
