/**
 * Everything about *when* that an operator may set. Only durations and choices: no value here switches a safety
 * rule off, though short ones leave it little to do. All durations are milliseconds; defaults are what ships.
 */
export interface Policy {
  /** Raised whenever the rows of the decision change their meaning; each decision carries it (L9). */
  readonly version: number;
  /** Added to an expiry before either clock may call it over (C9). */
  readonly expiryMarginMs: number;
  /** From the later of expiry and real suspension to destruction (C10). */
  readonly graceMs: number;
  /** How long a destroyed machine can come back; 0 keeps nothing (D21). */
  readonly quarantineMs: number;
  /** How a machine is suspended (D24). */
  readonly suspendMode: 'shutdown' | 'save';
  /** A graceful shutdown is asked for again this often, ... */
  readonly shutdownRepeatMs: number;
  /** ... for this long, before power is taken gracefully, ... */
  readonly shutdownPatienceMs: number;
  /** ... and, this long after that, by force. */
  readonly powerOffPatienceMs: number;
  /** A stop is believed when it has lasted this long (L7). */
  readonly stopDebounceMs: number;
  /** An owner who powers off from inside finds the machine off (`stay`) or on again (`start`) (D16). */
  readonly onOwnerStop: 'stay' | 'start';
  /** A paid subscription without a machine: only told, or made; beside an engine, which makes them too, only where forced (D13). */
  readonly onMissing: 'report' | 'create' | 'create-beside-engine';
  /** A missing machine is believed missing after this long (D13). */
  readonly missingAfterMs: number;
  /** Facts for a harmful step are at most this old when it is taken (C5). */
  readonly freshForHarmMs: number;
  /** With one endpoint: the two reads that permit destruction are at least this far apart (C5). */
  readonly witnessGapMs: number;
  /** Wall clock against the head's block time: beyond this, harm freezes (C9). */
  readonly maxClockGapMs: number;
  /** The alarm is given when GECOS could not be set for this long (D25). */
  readonly loginAlarmMs: number;
  /** First and longest pause after a failed step (L8). */
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** After this many failures of one step in a row the machine is parked for an operator (L8). */
  readonly parkAfterFailures: number;
  /** The blast-radius breaker (L10, D28): more than max(count, share of the fleet) within the window trips it. */
  readonly breaker: {
    readonly suspend: BreakerLimit;
    readonly destroy: BreakerLimit;
  };
}

export interface BreakerLimit {
  readonly count: number;
  /** 0..1 of the machines that are ours. */
  readonly share: number;
  readonly windowMs: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What ships; see ARCHITECTURE.md for why. */
export const DEFAULT_POLICY: Policy = {
  version: 1,
  expiryMarginMs: 30 * SECOND,
  graceMs: 7 * DAY,
  quarantineMs: 24 * HOUR,
  suspendMode: 'shutdown',
  shutdownRepeatMs: 10 * SECOND,
  shutdownPatienceMs: 2 * MINUTE,
  powerOffPatienceMs: 20 * SECOND,
  stopDebounceMs: 5 * SECOND,
  onOwnerStop: 'stay',
  onMissing: 'report',
  missingAfterMs: 15 * MINUTE,
  freshForHarmMs: 20 * SECOND,
  witnessGapMs: 10 * MINUTE,
  maxClockGapMs: 2 * MINUTE,
  loginAlarmMs: 5 * MINUTE,
  backoffFirstMs: SECOND,
  backoffMaxMs: 5 * MINUTE,
  parkAfterFailures: 30,
  breaker: {
    suspend: { count: 20, share: 0.5, windowMs: 10 * MINUTE },
    destroy: { count: 5, share: 0.2, windowMs: HOUR },
  },
};
