import { BlockhostError, explain, LockBusyError } from '../domain/errors.ts';

/**
 * What the daemon's last line says of the error that ended it. What an operator can mend is one sentence with its hint and
 * its code; only a defect, something that nobody threw on purpose, carries its stack.
 */
export const lastWords = (error: unknown): Record<string, unknown> => {
  if (!(error instanceof BlockhostError)) return { what: explain(error), err: error };
  const what = error instanceof LockBusyError ? 'another daemon is running' : error.message;
  return { what, code: error.code, ...(error.hint === undefined ? {} : { todo: error.hint }) };
};
