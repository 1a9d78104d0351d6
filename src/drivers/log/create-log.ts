import { pino, stdTimeFunctions } from 'pino';
import type { Log } from '../../ports/log.ts';
import { redact } from './redact.ts';
import { sanitize } from './sanitize.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LogOptions {
  readonly level?: LogLevel;
  /** Where lines go; stdout by default, written synchronously so that the last line before a crash is there. */
  readonly destination?: { write(line: string): void };
  /** Texts that must never appear, whatever they stand in: `secretsInUrls` of the configured endpoints. */
  readonly secrets?: readonly string[];
}

/**
 * JSON lines `{level, time, ...fields, msg}` for a journal to collect. Every field and message is sanitized first, so that
 * no secret gets out and no value makes a line fail; logging never throws.
 */
export const createLog = ({ level = 'info', destination, secrets = [] }: LogOptions = {}): Log => {
  const known = secrets.filter((secret) => secret !== '');
  const logger = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (value: unknown) => value },
    },
    destination ?? pino.destination({ fd: 1, sync: true }),
  );
  return wrap(logger, known);
};

/** The part of a pino logger that we use; a child has the same. */
interface Writer {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  isLevelEnabled(level: string): boolean;
  child(fields: object): Writer;
}

const wrap = (writer: Writer, secrets: readonly string[]): Log => {
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (fields: Record<string, unknown>, message: string): void => {
      if (writer.isLevelEnabled(level)) writer[level](clean(fields, secrets), redact(message, secrets));
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(writer.child(clean(fields, secrets)), secrets),
  };
};

/** Names that pino itself writes; a field of that name would make two keys of one in the line. */
const TAKEN = new Set(['level', 'time', 'msg']);

const clean = (fields: Record<string, unknown>, secrets: readonly string[]): object => {
  const safe = sanitize(fields, secrets);
  if (typeof safe !== 'object' || safe === null) return { fields: safe };
  return Object.fromEntries(Object.entries(safe).map(([key, value]) => [TAKEN.has(key) ? `${key}_` : key, value]));
};
