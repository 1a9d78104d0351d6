import type { Entitlement, EntitlementView } from '../entitlement.ts';
import type { Fact } from '../fact.ts';
import { subscriptionKey } from '../identity.ts';
import type { HarmKind, MachineMemory } from '../journal/memory.ts';
import { momentOfSeconds } from '../moment.ts';
import type { Observation } from '../observation.ts';
import type { Policy } from '../policy.ts';
import type { Warrant } from './warrant.ts';

/*
 * INVARIANTS
 * - Nothing here is shared with the decision (`permit.ts`, `standing.ts`), not even the arithmetic of an expiry: a fault in
 *   one of the two is caught by the other.
 * - A fact that is unknown is an objection (L3); there is no way to get fewer objections by knowing less.
 */

/**
 * Between the drawing of a warrant and its serving lies the reading of every disk of the host, which takes minutes on a
 * large one; beyond this it speaks of a world that is gone. What counts is read anew in any case.
 */
const VALID_MS = 15 * 60_000;

const LEVELS = { suspend: ['head', 'safe'], destroy: ['head', 'safe', 'finalized'] } as const;

/** The moment, in unix seconds, from which on the harm is due; nothing where no expiry is known. */
const dueUnix = (expiresAtUnix: bigint, memory: MachineMemory, kind: HarmKind, policy: Policy): bigint => {
  const granted = memory.grantUntilUnix ?? 0n;
  const paidUntil = granted > expiresAtUnix ? granted : expiresAtUnix;
  const margin = BigInt(Math.ceil(policy.expiryMarginMs / 1000));
  if (kind === 'suspend') return paidUntil + margin;
  const suspended = BigInt(Math.ceil((memory.suspendedAtUnixMs ?? 0) / 1000));
  const grace = BigInt(Math.ceil(policy.graceMs / 1000));
  return (suspended > paidUntil ? suspended : paidUntil) + grace + margin;
};

const secondsOf = (unixMs: number): bigint => BigInt(Math.floor(unixMs / 1000));

/** What speaks against it at one level of the chain: both clocks have to be past the moment (C9). */
const atLevel = (
  level: string,
  fact: Fact<Entitlement>,
  memory: MachineMemory,
  kind: HarmKind,
  { policy }: Warrant,
  nowUnixMs: number,
): readonly string[] => {
  if (!fact.known) return [`the chain is unknown at ${level}: ${fact.why}`];
  const due = dueUnix(fact.value.expiresAtUnix, memory, kind, policy);
  const { timestampUnix } = fact.value.atBlock;
  return [
    ...(secondsOf(nowUnixMs) >= due
      ? []
      : [`by the wall clock it is not due before ${momentOfSeconds(due)} (${level})`]),
    ...(timestampUnix >= due
      ? []
      : [`the ${level} block's time ${momentOfSeconds(timestampUnix)} is before ${momentOfSeconds(due)}`]),
  ];
};

/** A finalized chain goes on or stands still: never back, never to another block of the same number. */
const chainWentBack = (then: EntitlementView, now: EntitlementView): readonly string[] => {
  if (!then.finalized.known || !now.finalized.known) return [];
  const before = then.finalized.value.atBlock;
  const after = now.finalized.value.atBlock;
  if (after.number < before.number) return [`the finalized block went back from ${before.number} to ${after.number}`];
  return after.number === before.number && after.hash !== before.hash
    ? [`the finalized block ${after.number} is another one now`]
    : [];
};

/** Two voices that say the same: two endpoints, or one twice with enough time between (C5). */
const voices = (view: EntitlementView, memory: MachineMemory, { policy }: Warrant, nowUnixMs: number): string[] => {
  if (!view.finalized.known) return [];
  const { expiresAtUnix, cancelled } = view.finalized.value;
  const same = (read: { readonly expiresAtUnix: bigint; readonly cancelled: boolean }): boolean =>
    read.expiresAtUnix === expiresAtUnix && read.cancelled === cancelled;
  const liars = view.witnesses.filter((read) => !same(read)).map(({ endpoint }) => `${endpoint} says something else`);
  if (liars.length > 0) return liars;
  if (new Set(view.witnesses.map(({ endpoint }) => endpoint)).size > 1) return [];
  const early = memory.witnesses.some((read) => same(read) && nowUnixMs - read.readAtUnixMs >= policy.witnessGapMs);
  return view.endpointsConfigured < 2 && early ? [] : ['there is no second witness'];
};

const byTheChain = (warrant: Warrant, kind: HarmKind, fresh: Observation, memory: MachineMemory): readonly string[] => {
  const { facts, policy } = warrant;
  if (fresh.chain.kind !== 'view') return ['its chain is not configured'];
  const { view } = fresh.chain;
  const now = fresh.nowUnixMs;
  const old = Math.abs(now - view.readAtUnixMs) > policy.freshForHarmMs ? ['the chain was not read just now'] : [];
  const levels = LEVELS[kind].flatMap((level) => atLevel(level, view[level], memory, kind, warrant, now));
  const gap = view.head.known ? Math.abs(now - Number(view.head.value.atBlock.timestampUnix) * 1000) : 0;
  const apart = gap > policy.maxClockGapMs ? ['the wall clock and the head are too far apart'] : [];
  const back = facts.chain.kind === 'view' ? chainWentBack(facts.chain.view, view) : ['it was decided without a chain'];
  return [...old, ...levels, ...apart, ...back, ...(kind === 'destroy' ? voices(view, memory, warrant, now) : [])];
};

const byTheRecord = (kind: HarmKind, fresh: Observation, memory: MachineMemory, policy: Policy): readonly string[] => {
  if (!fresh.record.known) return [`its record is unknown: ${fresh.record.why}`];
  const until = fresh.record.value?.expiresAtUnix ?? memory.lastExpiresAtUnix;
  if (until === undefined) return ['nothing says until when it is paid'];
  const due = dueUnix(until, memory, kind, policy);
  return secondsOf(fresh.nowUnixMs) >= due ? [] : [`by its record it is not due before ${momentOfSeconds(due)}`];
};

const byWords = ({ hold, protect, phase }: MachineMemory, nowUnixMs: number): readonly string[] => [
  ...(hold && (hold.untilUnixMs ?? 0) > nowUnixMs ? [`held by ${hold.by}`] : []),
  ...(protect && (protect.untilUnixMs ?? Number.POSITIVE_INFINITY) > nowUnixMs ? [`protected by ${protect.by}`] : []),
  ...(phase === 'gone' ? ['it is gone already'] : []),
];

const byTheHost = (kind: HarmKind, fresh: Observation): readonly string[] => {
  const { domain, gateWaitsFor, clockDoubt, breaker } = fresh;
  const running = domain.known && domain.value !== 'absent' && !['off', 'crashed'].includes(domain.value.run);
  return [
    ...(domain.known ? [] : [`libvirt is unknown: ${domain.why}`]),
    ...(kind === 'destroy' && running ? ['it is on'] : []),
    ...(gateWaitsFor.length > 0 ? [`start-up still waits for ${gateWaitsFor.join(', ')}`] : []),
    ...(clockDoubt ? ['the wall clock is in doubt'] : []),
    ...(breaker[kind] === undefined ? [] : ['the breaker is open']),
  ];
};

const belongsTo = ({ machineClass }: MachineMemory): string =>
  machineClass.kind === 'bound' ? subscriptionKey(machineClass.subscription) : machineClass.kind;

/**
 * Everything that speaks against serving a warrant now, as `fresh` shows machine, host and chain; nothing where it may be
 * served. Pure. `kind` is what is going to be done, which a warrant has to be for.
 */
export const objections = (warrant: Warrant, kind: HarmKind, fresh: Observation): readonly string[] => {
  const { facts, policy } = warrant;
  const { memory } = fresh;
  if (fresh.uuid !== facts.uuid) return [`the warrant is for ${facts.uuid}`];
  if (memory === undefined) return ['the journal does not know it'];
  const ageMs = fresh.nowUnixMs - facts.nowUnixMs;
  return [
    ...(facts.memory && belongsTo(facts.memory) === belongsTo(memory)
      ? []
      : ['it is bound to something else than it was']),
    ...(ageMs >= 0 && ageMs <= VALID_MS ? [] : [`the warrant is ${Math.round(ageMs / 1000)} s old`]),
    ...byWords(memory, fresh.nowUnixMs),
    ...byTheHost(kind, fresh),
    ...(memory.machineClass.kind === 'bound'
      ? byTheChain(warrant, kind, fresh, memory)
      : byTheRecord(kind, fresh, memory, policy)),
  ];
};
