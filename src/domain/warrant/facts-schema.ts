import * as z from 'zod';
import { known } from '../fact.ts';
import {
  addressSchema,
  harmKindSchema,
  limitsSchema,
  machineMemorySchema,
  subscriptionRefSchema,
  witnessSchema,
} from '../journal/memory.ts';
import type { Observation } from '../observation.ts';

/*
 * An observation as it stands in the journal: everything that a decision could look at, so that the same decision can be
 * made again, by the code of another day. The schema ends in `Observation` itself: one that lacks a part does not compile.
 */

const unknownSchema = z.object({ known: z.literal(false), why: z.string(), sinceUnixMs: z.number() });

const factOf = <T extends z.ZodType>(value: T) =>
  z.discriminatedUnion('known', [z.object({ known: z.literal(true), value }), unknownSchema]);

const metadataSchema = z.object({
  schema: z.literal(1),
  uuid: z.string(),
  subscription: subscriptionRefSchema.exactOptional(),
  suspended: z.literal(true).exactOptional(),
  grantUntilUnix: z.bigint().exactOptional(),
  made: z
    .object({
      ipv4: z.string(),
      ipv6: z.string(),
      owner: z.string(),
      username: z.string(),
      nftTokenId: z.bigint().exactOptional(),
      nftMinted: z.literal(true).exactOptional(),
      createdAtUnix: z.bigint(),
      base: z.string(),
    })
    .exactOptional(),
});

const domainStateSchema = z.object({
  uuid: z.string(),
  name: z.string(),
  run: z.enum(['running', 'blocked', 'paused', 'shutting-down', 'off', 'crashed', 'pmsuspended', 'no-state']),
  reason: z.enum([
    ...(['unknown', 'shutdown', 'destroyed', 'crashed', 'saved', 'failed', 'daemon', 'snapshot'] as const),
    ...(['io-error', 'user', 'booted', 'saving', 'save-ended', 'other'] as const),
  ]),
  persistent: z.boolean(),
  hasSavedImage: z.boolean(),
  agentConnected: z.boolean(),
  sinceUnixMs: z.number(),
  metadata: metadataSchema.exactOptional(),
  disks: z.array(z.string()),
  seeds: z.array(z.string()),
  nvram: z.string().exactOptional(),
  interfaces: z.array(z.object({ mac: z.string(), linkUp: z.boolean() })),
  limits: limitsSchema.extend({ uneven: z.literal(true).exactOptional() }).exactOptional(),
});

const recordSchema = z.object({
  name: z.string(),
  status: z.enum(['active', 'suspended', 'destroyed']),
  ipAddress: z.string(),
  ipv6Address: z.string(),
  owner: z.string(),
  ownerWallet: z.string().exactOptional(),
  username: z.string(),
  expiresAtUnix: z.bigint().exactOptional(),
  suspendedAtUnix: z.bigint().exactOptional(),
  destroyedAtUnix: z.bigint().exactOptional(),
  createdAtUnix: z.bigint().exactOptional(),
  nftTokenId: z.bigint().exactOptional(),
  nftMinted: z.boolean(),
  gecosSynced: z.boolean().exactOptional(),
});

/** JSON has no `undefined`: a record that is known to be absent comes back without its value. */
const recordFactSchema = z.union([
  z
    .object({ known: z.literal(true), value: recordSchema.optional() })
    .transform(({ value }) => known(value as z.infer<typeof recordSchema> | undefined)),
  unknownSchema,
]);

const entitlementSchema = z.object({
  id: z.bigint(),
  owner: addressSchema,
  expiresAtUnix: z.bigint(),
  cancelled: z.boolean(),
  atBlock: z.object({ number: z.bigint(), hash: z.string(), timestampUnix: z.bigint() }),
});

const viewSchema = z.object({
  head: factOf(entitlementSchema),
  safe: factOf(entitlementSchema),
  finalized: factOf(entitlementSchema),
  witnesses: z.array(witnessSchema),
  endpointsConfigured: z.number(),
  readAtUnixMs: z.number(),
});

const chainSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('not-configured') }),
  z.object({ kind: z.literal('not-bound') }),
  z.object({ kind: z.literal('view'), view: viewSchema }),
]);

const loginSchema = z.object({
  tokenId: z.bigint(),
  head: factOf(addressSchema),
  safe: factOf(addressSchema),
  readAtUnixMs: z.number(),
});

const reasons = z.partialRecord(harmKindSchema, z.string());

/** Big integers are bigints here; the journal's JSON writes and reads them as such. */
export const factsSchema = z
  .object({
    nowUnixMs: z.number(),
    uuid: z.string(),
    name: z.string(),
    bootId: z.string(),
    memory: machineMemorySchema.optional(),
    domain: factOf(z.union([domainStateSchema, z.literal('absent')])),
    record: recordFactSchema,
    addressesListed: factOf(z.boolean()),
    nameTaken: z.boolean(),
    subscriptionTaken: z.boolean(),
    filesFit: z.boolean(),
    createRuns: factOf(z.boolean()),
    absentSinceUnixMs: z.number().optional(),
    chain: chainSchema,
    candidate: z.object({ ref: subscriptionRefSchema, view: viewSchema }).optional(),
    login: loginSchema.optional(),
    gateWaitsFor: z.array(z.string()),
    clockDoubt: z.object({ byMs: z.number(), atUnixMs: z.number() }).optional(),
    breaker: reasons,
    breakerWouldTrip: reasons,
  })
  .transform(
    ({
      memory,
      absentSinceUnixMs,
      candidate,
      login,
      clockDoubt,
      breaker,
      breakerWouldTrip,
      ...facts
    }): Observation => ({
      ...facts,
      memory,
      absentSinceUnixMs,
      candidate,
      login,
      clockDoubt,
      breaker: breaker as Observation['breaker'],
      breakerWouldTrip: breakerWouldTrip as Observation['breaker'],
    }),
  );
