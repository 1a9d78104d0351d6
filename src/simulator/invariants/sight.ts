import type { RunReason, RunState } from '../../domain/domain-state.ts';
import type { HarmKind } from '../../domain/journal/memory.ts';
import type { Policy } from '../../domain/policy.ts';
import type { VmRecord } from '../../domain/record.ts';
import type { HostScenario } from '../scenario/schema.ts';
import type { Effect } from '../world/process.ts';

/** A domain as libvirt has it. */
export interface SeenDomain {
  readonly uuid: string;
  readonly name: string;
  readonly run: RunState;
  readonly reason: RunReason;
  readonly disks: readonly string[];
  /** Its subscription's id, by its metadata. */
  readonly subscription: bigint | undefined;
  readonly linkUp: boolean;
  readonly agentAnswers: boolean;
  /** Whom GECOS lets in, in lower case. */
  readonly lets: string | undefined;
}

/** What a machine of ours is owed and has, by chain and libvirt; nothing of it is our own view. */
export interface SeenMachine {
  readonly uuid: string;
  readonly name: string;
  /** Its create was seen through by nobody yet. */
  readonly isNew: boolean;
  /** On the canonical chain, at its head: until when it is paid for; undefined where there is no such subscription. */
  readonly expiresAtUnix: bigint | undefined;
  /** An operator's grant, unix seconds. */
  readonly grantUntilUnix: bigint;
  /** Who owns its credential on the canonical chain, in lower case. */
  readonly owner: string | undefined;
  readonly domain: SeenDomain | undefined;
  readonly record: VmRecord | undefined;
  /** Files of its own that are anywhere. */
  readonly files: number;
  /** Nobody is owed anything of it any more: its explicit destroy was ordered (D14). */
  readonly condemned: boolean;
  /** An operator's word, its owner's own stop, or somebody's pause holds it off. */
  readonly excused: boolean;
  readonly protected: boolean;
  /** Something befell it lately that may take its time. */
  readonly disturbed: boolean;
}

/** Everything that an invariant may look at, at one moment. */
export interface Sight {
  /** The time that never jumps, and the same as unix seconds: the chain's own. */
  readonly nowMs: number;
  readonly trueUnix: number;
  readonly machines: readonly SeenMachine[];
  readonly domains: readonly SeenDomain[];
  /** Paths of all files below our directories and in quarantine, with whose they are. */
  readonly files: ReadonlyMap<string, string>;
  readonly records: readonly VmRecord[];
  readonly allocated: readonly string[];
  /** UUIDs that have a dossier in quarantine. */
  readonly dossiers: ReadonlySet<string>;
  /** What was done since the last look. */
  readonly effects: readonly Effect[];
  /** The daemon runs, and has been able to work all the time since this moment; undefined while it cannot. */
  readonly ableSinceMs: number | undefined;
  /** The same, with nothing wrong with host, nodes and chain. */
  readonly calmSinceMs: number | undefined;
  /** Since when no node has answered at all; undefined while one does. */
  readonly darkSinceMs: number | undefined;
  /** Since when fewer than two have, where several are configured. */
  readonly duskSinceMs: number | undefined;
  /** Kinds of harm that the breaker stops by now, until somebody acknowledges it: the journal's word, to be doubted. */
  readonly openBreakers: ReadonlySet<HarmKind>;
  /** A node lies, or another did a moment ago. */
  readonly liar: boolean;
  readonly policy: Policy;
  readonly host: HostScenario;
  /** Everything is well, nothing was done by anybody for long: what should converge has. */
  readonly atRest: boolean;
}

/** Something that must never be. */
export interface Violation {
  readonly invariant: string;
  readonly what: string;
  readonly machine?: string;
}

/** Watches one history from its beginning; keeps in mind what it needs. */
export type Watch = (sight: Sight) => readonly Violation[];

/** A rule that no history may break. */
export interface Invariant {
  readonly name: string;
  /** Numbers in ARCHITECTURE.md. */
  readonly rules: string;
  /** A new watch, for a new history. */
  readonly watch: () => Watch;
}

export const isOn = (domain: SeenDomain | undefined): boolean =>
  domain !== undefined && domain.run !== 'off' && domain.run !== 'crashed';

/** Paid for on the canonical chain at this moment, or granted by an operator. */
export const isPaid = ({ expiresAtUnix, grantUntilUnix }: SeenMachine, trueUnix: number): boolean =>
  Number(expiresAtUnix ?? 0n) > trueUnix || Number(grantUntilUnix) > trueUnix;

/** How long something has been so, for each of many. */
export const createSince = () => {
  const since = new Map<string, number>();
  return (key: string, holds: boolean, nowMs: number): number | undefined => {
    if (!holds) {
      since.delete(key);
      return undefined;
    }
    const start = since.get(key) ?? nowMs;
    since.set(key, start);
    return nowMs - start;
  };
};
