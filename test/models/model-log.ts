import type { Log } from '../../src/ports/log.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

/** A log that remembers its lines. */
export const createModelLog = (): Log & { readonly lines: LogLine[] } => {
  const lines: LogLine[] = [];
  const at =
    (level: LogLine['level'], bound: Record<string, unknown>) => (fields: Record<string, unknown>, message: string) => {
      lines.push({ level, message, fields: { ...bound, ...fields } });
    };
  const logWith = (bound: Record<string, unknown>): Log => ({
    debug: at('debug', bound),
    info: at('info', bound),
    warn: at('warn', bound),
    error: at('error', bound),
    child: (fields) => logWith({ ...bound, ...fields }),
  });
  return { ...logWith({}), lines };
};
