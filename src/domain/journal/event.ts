import * as z from 'zod';
import {
  addressSchema,
  chainCursorSchema,
  harmKindSchema,
  limitsSchema,
  machineClassSchema,
  machineDetailsSchema,
  stopCauseSchema,
  unixMs,
  witnessSchema,
} from './memory.ts';

const uuid = z.string();

/** What a decision rested on (L9); written with every intent. */
export const basisSchema = z.object({
  row: z.string(),
  because: z.string(),
  policyVersion: z.number(),
  observedAtUnixMs: z.number(),
  expiresAtUnix: z.bigint().optional(),
  levels: z
    .array(
      z.object({
        level: z.string(),
        expiresAtUnix: z.bigint(),
        blockNumber: z.bigint(),
        blockHash: z.string(),
        timestampUnix: z.bigint(),
      }),
    )
    .optional(),
  blockNumber: z.bigint().optional(),
  blockHash: z.string().optional(),
  witnesses: z.array(witnessSchema).optional(),
});
export type Basis = z.infer<typeof basisSchema>;

/** Everything that can stand in the journal. A new kind is added here and in the fold, never changed in meaning. */
export const journalEventSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('machine-known'),
    uuid,
    name: z.string(),
    machineClass: machineClassSchema,
    details: machineDetailsSchema,
    how: z.string(),
  }),
  /** A create has begun: name, addresses and class are taken from here on, and nothing of it is promised to anybody yet. */
  z.object({
    kind: z.literal('create-begun'),
    uuid,
    name: z.string(),
    machineClass: machineClassSchema,
    details: machineDetailsSchema,
    by: z.string(),
  }),
  /** The create is committed: from here on the machine is one like any other, and is to run. */
  z.object({ kind: z.literal('created'), uuid, bootId: z.string() }),
  /** A create that was broken off has been undone without a trace. */
  z.object({ kind: z.literal('create-undone'), uuid, why: z.string() }),
  z.object({ kind: z.literal('details-changed'), uuid, details: machineDetailsSchema }),
  z.object({ kind: z.literal('seen-running'), uuid, bootId: z.string() }),
  z.object({ kind: z.literal('seen-off'), uuid, cause: stopCauseSchema, bootId: z.string() }),
  z.object({ kind: z.literal('expiry-read'), uuid, expiresAtUnix: z.bigint() }),
  z.object({ kind: z.literal('witnessed'), uuid, read: witnessSchema }),
  z.object({
    kind: z.literal('intent'),
    uuid,
    step: z.string(),
    harm: harmKindSchema.optional(),
    basis: basisSchema,
    /** The warrant of a decision's step (`domain/warrant/`), read by those alone who ask why: another version's may differ. */
    warrant: z.unknown().optional(),
  }),
  z.object({
    kind: z.literal('outcome'),
    uuid,
    step: z.string(),
    ok: z.boolean(),
    durationMs: z.number(),
    error: z.string().optional(),
    curable: z.boolean().optional(),
  }),
  z.object({ kind: z.literal('suspended'), uuid, atUnixMs: unixMs }),
  z.object({ kind: z.literal('suspension-over'), uuid, why: z.string() }),
  z.object({ kind: z.literal('quarantined'), uuid, untilUnixMs: unixMs }),
  /** Others have its addresses now, or one of them: it is to come back at these, which are taken from here on. */
  z.object({ kind: z.literal('readdressed'), uuid, ipAddress: z.string(), ipv6Address: z.string() }),
  z.object({ kind: z.literal('restored'), uuid }),
  z.object({ kind: z.literal('purged'), uuid }),
  z.object({ kind: z.literal('new-owner'), uuid }),
  z.object({ kind: z.literal('owner-settled'), uuid }),
  /** The guest is about to be told whom its GECOS is to name: until that was read back, nobody knows whom it names. */
  z.object({ kind: z.literal('login-begun'), uuid }),
  z.object({ kind: z.literal('login-set'), uuid, owner: addressSchema }),
  z.object({ kind: z.literal('link'), uuid, up: z.boolean() }),
  z.object({ kind: z.literal('hold'), uuid, reason: z.string(), by: z.string(), untilUnixMs: unixMs }),
  z.object({ kind: z.literal('release'), uuid, by: z.string() }),
  z.object({
    kind: z.literal('protect'),
    uuid,
    reason: z.string(),
    by: z.string(),
    untilUnixMs: unixMs.optional(),
  }),
  z.object({ kind: z.literal('unprotect'), uuid, by: z.string() }),
  z.object({ kind: z.literal('stopped-by-hand'), uuid, by: z.string() }),
  z.object({ kind: z.literal('started-by-hand'), uuid, by: z.string() }),
  z.object({ kind: z.literal('granted'), uuid, untilUnix: z.bigint(), by: z.string() }),
  z.object({
    kind: z.literal('destroy-ordered'),
    uuid,
    by: z.string(),
    argv: z.array(z.string()),
    /** The chain's word on it at that moment, as far as it was known. */
    chain: z.string(),
  }),
  z.object({ kind: z.literal('limits-set'), uuid, limits: limitsSchema }),
  /** Nobody limits it any more: the limits that were asked for could not be set, and there were none before. */
  z.object({ kind: z.literal('limits-forgotten'), uuid }),
  /** Somebody ran a command in the guest. What it was is not written: it may hold a secret. */
  z.object({ kind: z.literal('guest-exec'), uuid, by: z.string() }),
  z.object({ kind: z.literal('ack'), what: z.string(), by: z.string() }),
  z.object({ kind: z.literal('breaker-tripped'), harm: harmKindSchema, reason: z.string() }),
  z.object({ kind: z.literal('clock-jumped'), byMs: z.number() }),
  z.object({
    kind: z.literal('chain-advanced'),
    follower: z.string(),
    cursor: chainCursorSchema,
    /** What was found in the blocks that the cursor passed, in words, for whoever reads the journal. */
    derived: z.array(z.string()),
  }),
]);
export type JournalEvent = z.infer<typeof journalEventSchema>;
