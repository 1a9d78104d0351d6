import { BlockhostError } from '../../domain/errors.ts';
import type { Deps } from '../deps.ts';
import type { Fleet } from '../fleet.ts';

/** What an explicit command works with. */
export interface Explicit {
  readonly deps: Deps;
  readonly fleet: Fleet;
  /** Who gives it, for the journal. */
  readonly by: string;
  /** Progress, for whoever reads stdout. */
  readonly say: (line: string) => void;
  /** What a person should know beside it. */
  readonly warn: (line: string) => void;
  /** Aborted when the command is interrupted. */
  readonly stop: AbortSignal;
}

/** A command that does nothing, and why; the hint says what would help. */
export const refusal = (message: string, hint?: string): BlockhostError =>
  new BlockhostError(message, { code: 'refused', retryable: false, ...(hint === undefined ? {} : { hint }) });
