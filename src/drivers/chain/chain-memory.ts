import type { CursorBlock } from '../../domain/chain-cursor.ts';
import { blockAt, type Ring } from '../../domain/cursor/ring.ts';
import type { Address } from '../../domain/identity.ts';
import type { Clock } from '../../ports/clock.ts';

/** Key of "no node can be used": a fact that is first asked for during an outage is unknown since the outage began. */
export const NODES = 'nodes';

/** Something about a chain that only an operator's `ack chain` ends (D23). */
export interface ChainTrouble {
  readonly why: string;
  readonly sinceUnixMs: number;
}

/** The last settled block. Its time is not known of one that was loaded from a saved cursor. */
export interface Anchor extends CursorBlock {
  readonly timestampUnix?: bigint;
}

/** A number that must not shrink, with the block it was read at: an older block may well have a smaller one (C8). */
interface HighWater {
  readonly value: bigint;
  readonly atBlock: bigint;
}

/**
 * What reader and follower of one chain know together and no single answer of a node may contradict: the highest head,
 * the last settled block (the anchor), ids that exist, and since when something has been unknown.
 */
export interface ChainMemory {
  highestHead(): bigint;
  /** Raises the highest head. What is not plausible is for the caller to refuse before. */
  sawHead(number: bigint): void;
  /** The same for a head of before this process, seen nobody knows when. */
  seedHead(number: bigint): void;
  /** The highest head that can be true now, if this process saw one: no chain makes more blocks than that in the time. */
  plausibleHead(): bigint | undefined;
  anchor(): Anchor | undefined;
  setAnchor(anchor: Anchor): void;
  /** The follower's block at a height, as far as it is remembered. */
  remembered(number: bigint): CursorBlock | undefined;
  remember(ring: Ring): void;
  trouble(): ChainTrouble | undefined;
  setTrouble(why: string): ChainTrouble;
  /** Why the follower stands or lags although the nodes answer; undefined when it is up to date. */
  lag(): ChainTrouble | undefined;
  setLag(why: string | undefined): void;
  /** Why what is read by call is not believed for harm either: a log of ours that no version of the contract writes (C3). */
  standstill(): string | undefined;
  setStandstill(why: string | undefined): void;
  /** False when a later block says less than an earlier one did. */
  noteNextId(contract: Address, value: bigint, atBlock: bigint): boolean;
  nextIds(): Readonly<Record<string, string>>;
  seedNextIds(nextIds: Readonly<Record<string, string>>, atBlock: bigint): void;
  /** Remembers that an id existed in a settled block. */
  noteExists(key: string, atBlock: bigint): void;
  /** True when an id that existed in this block or an older one is gone. */
  vanished(key: string, atBlock: bigint): boolean;
  /** Since when this has been unknown; the first call starts it, at the time from which `cause` has been, if it has. */
  unknownSince(key: string, cause?: string): number;
  knownAgain(key: string): void;
  /** Forgets everything that was learnt of the chain; what is unknown stays unknown since then. */
  forget(): void;
}

export const createChainMemory = (clock: Clock): ChainMemory => {
  let highest = 0n;
  let highestAtMs: number | undefined;
  let anchor: Anchor | undefined;
  let ring: Ring = [];
  let trouble: ChainTrouble | undefined;
  let lag: ChainTrouble | undefined;
  let standstill: string | undefined;
  const nextIds = new Map<string, HighWater>();
  const existing = new Map<string, bigint>();
  const since = new Map<string, number>();

  return {
    highestHead: () => highest,
    sawHead: (number) => {
      if (number < highest) return;
      highest = number;
      highestAtMs = clock.monotonicMs();
    },
    seedHead: (number) => {
      if (number > highest) highest = number;
    },
    plausibleHead: () =>
      highestAtMs === undefined ? undefined : plausibleAfter(highest, clock.monotonicMs() - highestAtMs),
    anchor: () => anchor,
    setAnchor: (block) => {
      anchor = block;
    },
    remembered: (number) => blockAt(ring, number),
    remember: (blocks) => {
      ring = blocks;
    },
    trouble: () => trouble,
    setTrouble: (why) => {
      trouble ??= { why, sinceUnixMs: clock.nowUnixMs() };
      return trouble;
    },
    lag: () => lag,
    setLag: (why) => {
      lag = why === undefined ? undefined : { why, sinceUnixMs: lag?.sinceUnixMs ?? clock.nowUnixMs() };
    },
    standstill: () => standstill,
    setStandstill: (why) => {
      standstill = why;
    },
    noteNextId: (contract, value, atBlock) => noteHighWater(nextIds, contract, { value, atBlock }),
    nextIds: () => Object.fromEntries([...nextIds].map(([contract, { value }]) => [contract, value.toString()])),
    seedNextIds: (seed, atBlock) => {
      for (const [contract, value] of Object.entries(seed)) nextIds.set(contract, { value: BigInt(value), atBlock });
    },
    noteExists: (key, atBlock) => {
      const before = existing.get(key);
      if (before === undefined || atBlock < before) existing.set(key, atBlock);
    },
    vanished: (key, atBlock) => {
      const before = existing.get(key);
      return before !== undefined && atBlock >= before;
    },
    unknownSince: (key, cause) => {
      const start = since.get(key) ?? since.get(cause ?? '') ?? clock.nowUnixMs();
      since.set(key, start);
      return start;
    },
    knownAgain: (key) => {
      since.delete(key);
    },
    forget: () => {
      highest = 0n;
      highestAtMs = undefined;
      anchor = undefined;
      ring = [];
      trouble = undefined;
      lag = undefined;
      nextIds.clear();
      existing.clear();
    },
  };
};

/** Blocks by which heads that are both true may differ at one moment: endpoints lag, a devnet mines many at once. */
const HEADS_APART = 1000n;
/** No chain is faster for long. */
const BLOCKS_PER_SECOND = 50;

const plausibleAfter = (head: bigint, elapsedMs: number): bigint =>
  head + HEADS_APART + BigInt(Math.max(0, Math.ceil((elapsedMs / 1000) * BLOCKS_PER_SECOND)));

const noteHighWater = (marks: Map<string, HighWater>, contract: string, seen: HighWater): boolean => {
  const before = marks.get(contract);
  if (before && seen.atBlock >= before.atBlock && seen.value < before.value) return false;
  if (!before || seen.value > before.value) marks.set(contract, seen);
  return true;
};
