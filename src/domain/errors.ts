import { printable } from './printable.ts';

/** What every error of ours carries: whether time can cure it, what to do next, and a code for the log. */
export interface ErrorFacts {
  readonly code: string;
  readonly retryable: boolean;
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The family of errors that the program throws on purpose; anything else is a defect. */
export class BlockhostError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly hint: string | undefined;

  constructor(message: string, facts: ErrorFacts) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = new.target.name;
    this.code = facts.code;
    this.retryable = facts.retryable;
    this.hint = facts.hint;
  }
}

/** libvirt did not do, or did not answer, what it was asked. */
export class HypervisorError extends BlockhostError {}

/** The guest agent is absent, mute, or refused. */
export class GuestAgentError extends BlockhostError {}

/** `vms.json` cannot be read or written now. */
export class RecordsError extends BlockhostError {}

/** The journal cannot be appended to, or holds what no version of ours wrote. */
export class JournalError extends BlockhostError {}

/** Somebody else holds a lock for longer than we may wait. */
export class LockBusyError extends BlockhostError {}

/** A credential token was not minted, or not yet. */
export class MintError extends BlockhostError {}

/** The host's root agent did not do, or did not answer, what it was asked. */
export class RootAgentError extends BlockhostError {}

/** A configuration file says something that cannot be; names file, key, what was found and what is wanted. */
export class ConfigError extends BlockhostError {}

const wordsOf = (error: unknown): string => {
  if (error instanceof BlockhostError) return error.hint ? `${error.message}; ${error.hint}` : error.message;
  return error instanceof Error ? error.message : String(error);
};

/** One line for people: the message, then what to do. */
export const explain = (error: unknown): string => printable(wordsOf(error));
