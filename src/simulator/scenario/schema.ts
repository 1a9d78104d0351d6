import * as z from 'zod';
import { policyFactsSchema } from '../../domain/warrant/policy-schema.ts';

/*
 * A history as it can be written down: what the host is like, and what befalls it, and when. Times are milliseconds;
 * machines and nodes are meant by their numbers, and one that is not there is nobody's.
 */

const ms = z
  .int()
  .min(0)
  .max(400 * 86_400_000);
const machine = z.int().min(0).max(10_000);
const node = z.int().min(0).max(9);
const seconds = z
  .int()
  .min(-400 * 86_400)
  .max(400 * 86_400);

export const hostSchema = z.strictObject({
  machines: z.int().min(0).max(10_000),
  /** How long each machine of the beginning is paid for; the list is gone through again and again. */
  paidForSeconds: z.array(z.int().min(0)).min(1),
  nodes: z.int().min(1).max(5),
  blockMs: z.int().min(1000),
  safeBlocks: z.int().min(0),
  finalizedBlocks: z.int().min(0),
  pollEveryMs: z.int().min(500),
  sweepEveryMs: z.int().min(1000),
  tickMs: z.int().min(100),
  graceMs: ms,
  quarantineMs: ms,
  suspendMode: z.enum(['shutdown', 'save']),
  onOwnerStop: z.enum(['stay', 'start']),
  /** What libvirt is asked to do takes up to so long, and to look a quarter of it. */
  libvirtMs: z.int().min(1).max(60_000),
  /** A node's answer takes up to so long. */
  answerMs: z.int().min(0).max(9000),
  /** How long the history lasts, before everything is well again and left to settle. */
  lastsMs: ms,
});
export type HostScenario = z.infer<typeof hostSchema>;

export const NODE_FAULTS = [
  'refused',
  'hang',
  'http-500',
  'http-429',
  'lagging',
  'frozen',
  'says-over',
  'says-paid',
  'misnames',
  'no-logs',
  'slow',
  'wrong-chain',
] as const;

/** What a node may answer that is no answer. */
export const BABBLES = ['megabytes', 'depths', 'wrong types', 'long lists', 'maxima'] as const;
/** What a contract may say of an expiry that no calendar knows. */
export const HOSTILE_EXPIRIES = ['the largest number', 'zero', 'far beyond any calendar'] as const;

export const GUEST_MANNERS = ['usual', 'deaf', 'mute', 'no-agent', 'stuck', 'slow-save', 'failing-save'] as const;

const act = <Name extends string, Shape extends z.ZodRawShape>(name: Name, shape: Shape) =>
  z.strictObject({ at: ms, do: z.literal(name), ...shape });

export const actSchema = z.discriminatedUnion('do', [
  // What customers do.
  act('buy', { seconds }),
  act('extend', { machine, seconds }),
  act('cancel', { machine }),
  act('transfer', { machine, to: z.int().min(0).max(99) }),
  act('power-off-inside', { machine }),
  act('reboot', { machine }),
  act('manners', { machine, are: z.enum(GUEST_MANNERS) }),
  // What the chain and its nodes do.
  act('reorg', { depth: z.int().min(1).max(64), keeps: z.boolean() }),
  act('chain-halts', { forMs: ms }),
  act('node', { node, is: z.enum(NODE_FAULTS), forMs: ms }),
  act('outage', { forMs: ms }),
  act('babble', { node, says: z.enum(BABBLES), forMs: ms }),
  act('hostile-expiry', { machine, is: z.enum(HOSTILE_EXPIRIES) }),
  // What the host does.
  act('long-lines', { bytes: z.int().min(1).max(2_000_000), count: z.int().min(1).max(100) }),
  act('libvirt-away', { forMs: ms }),
  act('libvirt-refuses', { forMs: ms }),
  act('events-lost', { forMs: ms }),
  act('crash', { machine }),
  act('disk-error', { machine }),
  act('disk-full', { forMs: ms }),
  act('records-away', { forMs: ms }),
  act('clock-jumps', {
    byMs: z
      .int()
      .min(-40 * 86_400_000)
      .max(40 * 86_400_000),
    backAfterMs: ms,
  }),
  act('power-cut', { forMs: ms }),
  act('daemon-killed', { forMs: ms }),
  act('daemon-dies', { effect: z.int().min(1), when: z.enum(['before', 'after']), forMs: ms }),
  act('daemon-stopped', { forMs: ms }),
  act('hangup', {}),
  // What others do on it.
  act('record-stale', { machine }),
  act('record-lost-addresses', { machine }),
  act('paused-by-hand', { machine, forMs: ms }),
  act('operator', {
    machine,
    says: z.enum(['stop', 'start', 'kill', 'resume', 'destroy', 'gc']),
    days: z.int().min(0).max(30).optional(),
    dies: z.int().min(1).optional(),
  }),
  act('word', { machine, says: z.enum(['hold', 'release', 'protect', 'unprotect', 'ack']), forMs: ms.optional() }),
  act('ack', { what: z.enum(['chain', 'clock', 'breaker:suspend', 'breaker:destroy']) }),
]);
export type Act = z.infer<typeof actSchema>;

export const scenarioSchema = z.strictObject({
  /** Where chance begins: jitter, latencies, what a power cut tears. */
  seed: z.int().min(0).max(0xffff_ffff),
  host: hostSchema,
  acts: z.array(actSchema),
  /** All of an operator's policy; without it what ships, with the host's own graces. */
  policy: policyFactsSchema.exactOptional(),
});
export type Scenario = z.infer<typeof scenarioSchema>;
