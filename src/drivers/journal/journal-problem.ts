import * as z from 'zod';
import { JournalError, LockBusyError } from '../../domain/errors.ts';
import { explainWriteFailure } from '../files/write-failure.ts';

/** A line in the middle that nobody of ours can have written so: nothing is dropped, somebody has to look. */
export const corruptLine = (path: string, line: number, what: string): JournalError =>
  new JournalError(`journal ${path}, line ${line}: ${what}`, {
    code: 'journal-corrupt',
    retryable: false,
    hint: `stop the daemon, keep a copy, then put a backup in its place or cut it off before line ${line}; nothing was changed`,
  });

/** A line that is whole, but speaks of something that this version does not know. */
export const unreadableEvent = (path: string, line: number, cause: unknown): JournalError =>
  new JournalError(`journal ${path}, line ${line}: ${firstLineOf(cause)}`, {
    code: 'journal-newer',
    retryable: false,
    hint: 'a newer version wrote it: install that version again; nothing was changed',
    // A schema's error is a page of all that would have been right; the line above says what is wrong.
    ...(cause instanceof z.ZodError ? {} : { cause }),
  });

/** The file holds less than, or something else than, what was read from it before. */
export const historyChanged = (path: string, what: string): JournalError =>
  new JournalError(`journal ${path} ${what}`, {
    code: 'journal-changed',
    retryable: false,
    hint: `put it back (the generation before is ${path}.1); if it was changed on purpose, restart the daemon`,
  });

/** The file is not there, though it was, or though its earlier generation is. */
export const vanished = (path: string): JournalError =>
  new JournalError(`the journal ${path} is gone`, {
    code: 'journal-gone',
    retryable: false,
    hint: `copy ${path}.1 to its place; to begin anew on purpose, remove that too and restart the daemon`,
  });

/** A failed write or open, in words; what is in the file stays as it was. */
export const writeProblem = (path: string, doing: string, error: unknown): JournalError => {
  if (error instanceof JournalError) return error;
  if (error instanceof LockBusyError) {
    const facts = { code: 'journal-busy', retryable: true, hint: error.hint ?? 'try again', cause: error };
    return new JournalError(`cannot ${doing} the journal ${path}: ${error.message}`, facts);
  }
  const { why, facts } = explainWriteFailure(error);
  return new JournalError(`cannot ${doing} the journal ${path}: ${why}`, facts);
};

export const closed = (path: string): JournalError =>
  new JournalError(`the journal ${path} was closed`, { code: 'journal-closed', retryable: false });

const firstLineOf = (cause: unknown): string => {
  const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined;
  if (issue)
    return `this version does not know what stands in it (${issue.path.join('.') || 'entry'}: ${issue.message.split('. ', 1)[0]})`;
  const text = cause instanceof Error ? cause.message : String(cause);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
};
