import type { Observable, SchedulerLike } from 'rxjs';
import type { Config } from '../config/load.ts';
import type { JournalState } from '../domain/journal/memory.ts';
import type { CreateMissing } from '../operations/create-missing.ts';
import type { Deps } from '../operations/deps.ts';
import type { Calendar } from '../ports/calendar.ts';
import type { ChainFollower } from '../ports/chain.ts';
import type { EventSource } from '../ports/event-source.ts';
import type { Journal } from '../ports/journal.ts';
import type { Gate } from './gate.ts';
import type { Vitals } from './vitals.ts';

/** What the daemon heeds of its configuration once its parts are built. */
export type ServedConfig = Pick<Config, 'chains' | 'policy' | 'sweepEveryMs' | 'nightlyCron' | 'maxParallelSteps'>;

/** Follows one chain, looking this often. */
export interface FollowedChain {
  readonly follower: ChainFollower;
  readonly pollEveryMs: number;
}

/** The memory of our own, and what other processes write into it. */
export interface HeardJournal extends Journal {
  onOthers(listener: (before: JournalState, after: JournalState) => void): () => void;
}

/** All that the daemon stands on. The real one is put together in main.ts, a virtual one in the simulator. */
export interface Surroundings {
  readonly config: ServedConfig;
  readonly deps: Deps;
  readonly journal: HeardJournal;
  readonly followers: readonly FollowedChain[];
  /** What libvirt tells of its domains. */
  readonly events: EventSource;
  /** Since when a domain has been as it is counts anew from here (L7). */
  readonly forget: (uuid: string) => void;
  readonly calendar: Calendar;
  /** An operator asks for a look at everything (SIGHUP). */
  readonly hangup$: Observable<unknown>;
  readonly gate: Gate;
  readonly vitals: Vitals;
  /** Makes what is paid for and missing (D13); told alone where it is left out. */
  readonly missing?: CreateMissing;
  /** 0 <= x < 1, for jitter. */
  readonly random: () => number;
  /** Ends the intake; what runs ends by itself. */
  readonly stop: AbortSignal;
  /** What streams count time by; that of RxJS when left out. */
  readonly scheduler?: SchedulerLike;
  /** How often things are looked at though nothing happens; what ships when left out. */
  readonly pace?: {
    /** How far apart ticks of the clock may be. */
    readonly longestTickMs: number;
    /** Silence after which the path of libvirt's events is tried. */
    readonly quietMs: number;
  };
}
