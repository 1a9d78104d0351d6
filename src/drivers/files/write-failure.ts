import type { ErrorFacts } from '../../domain/errors.ts';
import { isErrno } from './shared-ownership.ts';

/** Why a file could not be written, for people and for the retry: what happened, and what to do. */
export interface WriteFailure {
  readonly why: string;
  readonly facts: ErrorFacts;
}

/** Puts a system error of a write into words; what time or an operator's `rm` cures is retryable (L8). */
export const explainWriteFailure = (error: unknown): WriteFailure => {
  const why = error instanceof Error ? error.message : String(error);
  if (isErrno(error, 'ENOSPC', 'EDQUOT', 'EFBIG')) {
    const hint = 'free some space on that file system; it goes on by itself then';
    return { why: 'no space left', facts: { code: 'disk-full', retryable: true, hint, cause: error } };
  }
  if (isErrno(error, 'EACCES', 'EPERM', 'EROFS')) {
    const hint = 'let user and group blockhost write there, or run as one of them';
    return { why, facts: { code: 'write-denied', retryable: true, hint, cause: error } };
  }
  if (isErrno(error, 'ENOENT')) {
    const facts = { code: 'write-failed', retryable: true, hint: 'make the directory, or mount it', cause: error };
    return { why: 'its directory is not there', facts };
  }
  return { why, facts: { code: 'write-failed', retryable: true, hint: 'look at the disk and at dmesg', cause: error } };
};
