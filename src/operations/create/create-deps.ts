import { BlockhostError } from '../../domain/errors.ts';
import type { Uuid } from '../../domain/identity.ts';
import type { Minter } from '../../ports/minter.ts';
import type { Deps } from '../deps.ts';

/** How long a create waits for what needs time. Milliseconds. */
export interface CreatePatience {
  /** For a chain that does not answer. */
  readonly chainMs: number;
  /** For a node that has not seen yet what the caller has: he calls right after the event. */
  readonly noneMs: number;
  readonly agentMs: number;
}

export const CREATE_PATIENCE: CreatePatience = { chainMs: 60_000, noneMs: 15_000, agentMs: 60_000 };

/** What a create needs beside what every operation has. */
export interface CreateDeps extends Deps {
  readonly minter: Minter;
  readonly newUuid: () => Uuid;
  readonly patience: CreatePatience;
  /** Progress, for people. */
  readonly tell: (line: string) => void;
  /** Who gave the command. */
  readonly by: string;
  /** Asked to end: before the commit everything is undone. */
  readonly stop: AbortSignal;
}

/** One sentence with everything that stands in the way. */
export const cannotCreate = (name: string, problems: readonly string[], code = 'create-refused'): BlockhostError =>
  new BlockhostError(`${name} cannot be created: ${problems.join('; ')}`, { code, retryable: false });
